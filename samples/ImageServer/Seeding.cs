using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ImageServer;

/// <summary>Makes data to move: some pictures, many files of mixed size and one large file. The same size gives the same bytes.</summary>
internal static class Seeding
{
    private const int Width = 320;
    private const int Height = 240;
    private const int PictureBytes = 54 + (Width * Height * 3);
    private const int MaxPictures = 24;
    private static readonly int[] FileSizes = [4 << 10, 1 << 10, 150 << 10, 37 << 10, 512 << 10, 9 << 10, 1536 << 10];

    /// <summary>Whether the directory has been in use; then it keeps what it has, wherever it was moved.</summary>
    public static bool IsFilled(string data) => File.Exists(Path.Combine(data, ImageStore.DatabaseName));

    public static void Fill(string data, long bytes)
    {
        Directory.CreateDirectory(data);
        var store = new ImageStore(data);
        var left = bytes;
        var pictures = (int)Math.Min(MaxPictures, left / 2 / PictureBytes);
        store.Import(Enumerable.Range(0, pictures).Select(AsImage));
        left -= (long)pictures * PictureBytes;
        var archive = Path.Combine(data, "archive");
        Directory.CreateDirectory(archive);
        var random = new Noise(42);
        var large = bytes / 2;
        random.Write(Path.Combine(archive, "large.bin"), Math.Min(large, left));
        left -= Math.Min(large, left);
        for (var number = 0; left > 0; number++)
        {
            var size = Math.Min(left, FileSizes[number % FileSizes.Length]);
            var shelf = Path.Combine(archive, (number / 100).ToString("000", CultureInfo.InvariantCulture));
            Directory.CreateDirectory(shelf);
            random.Write(Path.Combine(shelf, number.ToString("00000", CultureInfo.InvariantCulture) + ".bin"), size);
            left -= size;
        }
    }

    private static (StoredImage Image, byte[] Bytes) AsImage(int number)
    {
        var picture = Picture(number);
        var id = string.Create(CultureInfo.InvariantCulture, $"landscape-{number:00}");
        var made = new DateTimeOffset(2026, 1, 1, 0, number, 0, TimeSpan.Zero);
        return (new StoredImage(0, id, "image/bmp", picture.Length, Convert.ToHexStringLower(SHA256.HashData(picture)), "seed", made), picture);
    }

    // A sky, a sun and three ridges, as a bitmap: any browser shows it, and it needs no encoder.
    private static byte[] Picture(int number)
    {
        var bytes = new byte[PictureBytes];
        bytes[0] = (byte)'B';
        bytes[1] = (byte)'M';
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(2), PictureBytes);
        bytes[10] = 54;
        bytes[14] = 40;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(18), Width);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(22), Height);
        bytes[26] = 1;
        bytes[28] = 24;
        var hour = number * 0.37;
        var sunX = Width * (0.2 + 0.6 * ((number * 7 % 10) / 10.0));
        var sunY = Height * (0.55 + 0.3 * ((number * 3 % 10) / 10.0));
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                var (red, green, blue) = Pixel(x, y, number, hour, sunX, sunY);
                var at = 54 + (((y * Width) + x) * 3);
                bytes[at] = (byte)Math.Clamp(blue, 0, 255);
                bytes[at + 1] = (byte)Math.Clamp(green, 0, 255);
                bytes[at + 2] = (byte)Math.Clamp(red, 0, 255);
            }
        }

        return bytes;
    }

    private static (double Red, double Green, double Blue) Pixel(int x, int y, int number, double hour, double sunX, double sunY)
    {
        for (var ridge = 0; ridge < 3; ridge++)
        {
            var top = Height * (0.22 + (0.14 * ridge))
                + (18 * Math.Sin((x * (0.011 + (0.006 * ridge))) + number + ridge)) + (7 * Math.Sin((x * 0.05) + (number * ridge)));
            if (y < top)
                return (24 + (34 * ridge) + (12 * Math.Sin(hour)), 52 + (30 * ridge), 62 + (42 * ridge) + (y * 0.08));
        }

        var height = y / (double)Height;
        var warm = 0.5 + (0.5 * Math.Sin(hour));
        var glow = Math.Exp(-Math.Sqrt(((x - sunX) * (x - sunX)) + ((y - sunY) * (y - sunY))) / 28) * 150;
        return (110 + (120 * warm * (1 - height)) + glow, 140 + (50 * (1 - height)) + (glow * 0.8), 235 - (110 * warm * (1 - height)) + (glow * 0.3));
    }

    /// <summary>Bytes that compress by about a half, as real data does.</summary>
    private sealed class Noise(ulong seed)
    {
        private const int BlockSize = 64 << 10;
        private readonly ulong[] block = new ulong[BlockSize / sizeof(ulong)];
        private ulong state = seed;

        public void Write(string path, long size)
        {
            using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
            for (var left = size; left > 0; left -= BlockSize)
            {
                for (var i = 0; i < block.Length; i++)
                    block[i] = (i & 1) == 0 ? Next() : 0x2020202064656573;
                file.Write(MemoryMarshal.AsBytes(block.AsSpan())[..(int)Math.Min(left, BlockSize)]);
            }
        }

        // xorshift64: fixed for all time, which the runtime's own generator does not promise.
        private ulong Next()
        {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            return state;
        }
    }
}
