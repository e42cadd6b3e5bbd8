using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Packs;

namespace StatefulRelocate.Snapshots.Streaming;

/// <summary>Some neighbouring blocks that a file has in the round being taken.</summary>
internal readonly record struct FileRun(EntryKey Key, long Size, long FirstBlock, UInt128[] Ids);

/// <summary>A sealed object below <c>streams/</c>: packs that can be read now, and blocks of files seen since the one before.</summary>
internal sealed record Announcement(IReadOnlyList<PackTable> Packs, IReadOnlyList<FileRun> Runs)
{
    public const string Purpose = "stream";

    public static string Prefix(string snapshotId) => $"streams/{snapshotId}/";

    public static string Name(string snapshotId, int number) => string.Create(CultureInfo.InvariantCulture, $"streams/{snapshotId}/{number:000000}");

    public byte[] Seal(KeyRing keys, string name)
    {
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory);
        writer.Write7BitEncodedInt(Packs.Count);
        foreach (var table in Packs)
            table.Write(writer);
        writer.Write7BitEncodedInt(Runs.Count);
        Span<byte> id = stackalloc byte[16];
        foreach (var run in Runs)
        {
            writer.Write7BitEncodedInt(run.Key.Volume);
            EntryCodec.WriteBytes(writer, Encoding.Latin1.GetBytes(run.Key.Path));
            writer.Write7BitEncodedInt64(run.Size);
            writer.Write7BitEncodedInt64(run.FirstBlock);
            writer.Write7BitEncodedInt(run.Ids.Length);
            foreach (var value in run.Ids)
            {
                BinaryPrimitives.WriteUInt128BigEndian(id, value);
                writer.Write(id);
            }
        }

        return keys.Seal(Purpose, name, memory.GetBuffer().AsSpan(0, (int)memory.Length));
    }

    /// <exception cref="DamageException">It is not what was announced under that name, or nonsense.</exception>
    public static Announcement Open(KeyRing keys, string name, ReadOnlySpan<byte> content)
    {
        using var memory = new MemoryStream(keys.Open(Purpose, name, content));
        using var reader = new BinaryReader(memory);
        try
        {
            var packs = new List<PackTable>();
            for (var left = reader.Read7BitEncodedInt(); left > 0; left--)
                packs.Add(PackTable.Read(reader, name));
            var runs = new List<FileRun>();
            for (var left = reader.Read7BitEncodedInt(); left > 0; left--)
                runs.Add(ReadRun(reader, memory, name));
            return new Announcement(packs, runs);
        }
        catch (Exception error) when (error is IOException or FormatException)
        {
            throw new DamageException(name, "it is cut off", error);
        }
    }

    private static FileRun ReadRun(BinaryReader reader, MemoryStream memory, string name)
    {
        var key = new EntryKey(reader.Read7BitEncodedInt(), EntryCodec.ReadText(reader, name));
        var (size, first, count) = (reader.Read7BitEncodedInt64(), reader.Read7BitEncodedInt64(), reader.Read7BitEncodedInt());
        if (key.Volume < 0 || key.Path.Length == 0 || !PathText.IsSafe(key.Path) || size is < 0 or > Chunks.BlockMap.MaxFileSize || first < 0 || count <= 0
            || count > (memory.Length - memory.Position) / 16 || first > Chunks.Blocks.Count(size) - count)
            throw new DamageException(name, "it announces what no file can hold");
        var ids = new UInt128[count];
        for (var i = 0; i < count; i++)
            ids[i] = BinaryPrimitives.ReadUInt128BigEndian(reader.ReadBytes(16));
        return new FileRun(key, size, first, ids);
    }
}
