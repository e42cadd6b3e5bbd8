using System.Diagnostics;
using System.IO.Hashing;
using System.Security.Cryptography;
using StatefulRelocate.Benchmarks.DataSets;

namespace StatefulRelocate.Benchmarks.Limits;

/// <summary>One bound of the machine, in bytes a second.</summary>
/// <param name="What">What was done.</param>
/// <param name="OneThread">With one thread; null where that says nothing.</param>
/// <param name="AllThreads">With a thread for each processor; null where one says it all.</param>
internal sealed record Limit(string What, double? OneThread, double? AllThreads);

/// <summary>What this machine can do at best, measured beside the engines: no engine can be faster than what it must do.</summary>
/// <param name="Memory">What is done in memory.</param>
/// <param name="PageCache">Bytes a second that come from the page cache, all threads together.</param>
/// <param name="Disk">What the disk does.</param>
internal sealed record MachineLimits(IReadOnlyList<Limit> Memory, double PageCache, DiskLimits Disk)
{
    private const int Piece = 256 * 1024;

    /// <summary>All of them, in words.</summary>
    public IReadOnlyList<Limit> All =>
    [
        .. Memory,
        new("write + fsync, 4 MiB writes", Disk.Write, null),
        new("rewrite 8 KiB pages at random places + syncfs", Disk.Pages, null),
        .. Disk.Cold is not { } cold ? Array.Empty<Limit>() :
        [
            new("read from the disk, 256 KiB pread", null, cold.Read),
            new("read from the disk beside write + fsync, the sum", null, cold.Together),
        ],
    ];

    public static MachineLimits Measure(string directory, double scale)
    {
        var content = Content(Math.Max(4 << 20, (int)((256 << 20) * scale)) / Piece * Piece);
        var path = Path.Combine(directory, "limits.dat");
        File.WriteAllBytes(path, content);
        using var file = File.OpenHandle(path);
        var key = new byte[32];
        var cached = Both("page-cache read, 256 KiB pread", content, () => new byte[Piece], (buffer, offset) => RandomAccess.Read(file, buffer, offset));
        List<Limit> memory =
        [
            cached,
            Both("fingerprint, XXH3-128 of 8 KiB", content, () => 0, (_, offset) =>
            {
                for (var i = 0; i < Piece; i += 8192)
                    XxHash128.HashToUInt128(content.AsSpan(offset + i, 8192));
            }),
            Both("SHA-256 of 8 KiB", content, () => new byte[32], (hash, offset) =>
            {
                for (var i = 0; i < Piece; i += 8192)
                    SHA256.HashData(content.AsSpan(offset + i, 8192), hash);
            }),
            Both("zstd level 1 of 256 KiB", content, () => (Compressor: new ZstdNet.Compressor(new ZstdNet.CompressionOptions(1)), Output: new byte[Piece + 4096]), (state, offset) => state.Compressor.Wrap(content.AsSpan(offset, Piece), state.Output.AsSpan())),
            Both("AES-256-GCM of 256 KiB", content, () => (Aes: new AesGcm(key, 16), Output: new byte[Piece], Tag: new byte[16], Nonce: new byte[12]), (state, offset) => state.Aes.Encrypt(state.Nonce, content.AsSpan(offset, Piece), state.Output, state.Tag)),
        ];
        File.Delete(path);
        return new MachineLimits(memory, cached.AllThreads!.Value, DiskLimits.Measure(directory, content));
    }

    private static byte[] Content(int length)
    {
        var content = new byte[length];
        for (var offset = 0; offset < content.Length; offset += 8192)
        {
            var random = new SeededBytes((ulong)offset);
            random.Random(content.AsSpan(offset, 4096));
            random.Text(content.AsSpan(offset + 4096, 4096));
        }

        return content;
    }

    private static Limit Both<T>(string what, byte[] content, Func<T> state, Action<T, int> act)
    {
        var single = state();
        // Once for the compiler and the caches.
        Over(content.Length, single, act);
        var one = Best(content.Length, () => Over(content.Length, single, act));
        var threads = Environment.ProcessorCount;
        var states = Enumerable.Range(0, threads).Select(_ => state()).ToArray();
        var all = Best((long)content.Length * threads, () => Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => Over(content.Length, states[i], act)));
        return new Limit(what, one, all);
    }

    private static void Over<T>(int length, T state, Action<T, int> act)
    {
        for (var offset = 0; offset < length; offset += Piece)
            act(state, offset);
    }

    private static double Best(long bytes, Action act) => Enumerable.Range(0, 5).Max(_ => Rate(bytes, act));

    /// <summary>Bytes a second.</summary>
    public static double Rate(long bytes, Action act)
    {
        var began = Stopwatch.GetTimestamp();
        act();
        return bytes / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }
}
