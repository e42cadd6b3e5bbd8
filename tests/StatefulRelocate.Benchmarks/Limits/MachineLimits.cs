using System.Diagnostics;
using System.IO.Hashing;
using System.Security.Cryptography;
using StatefulRelocate.Benchmarks.DataSets;
using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Limits;

/// <summary>One bound of the machine.</summary>
/// <param name="What">What was done.</param>
/// <param name="OneThread">Bytes a second with one thread.</param>
/// <param name="AllThreads">Bytes a second with a thread for each processor; null where one says it all.</param>
internal sealed record Limit(string What, double OneThread, double? AllThreads);

/// <summary>What this machine can do at best, measured beside the engines: no engine can be faster than the sum of what it must do.</summary>
internal static class MachineLimits
{
    private const int Piece = 256 * 1024;

    public static IReadOnlyList<Limit> Measure(string directory, double scale)
    {
        var path = Path.Combine(directory, "limits.dat");
        var content = new byte[Math.Max(4 << 20, (int)((256 << 20) * scale)) / Piece * Piece];
        for (var offset = 0; offset < content.Length; offset += 8192)
        {
            var random = new SeededBytes((ulong)offset);
            random.Random(content.AsSpan(offset, 4096));
            random.Text(content.AsSpan(offset + 4096, 4096));
        }

        var write = Rate(content.Length, () =>
        {
            using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0);
            for (var offset = 0; offset < content.Length; offset += 4 << 20)
                stream.Write(content, offset, Math.Min(4 << 20, content.Length - offset));
            stream.Flush(flushToDisk: true);
        });
        using var file = File.OpenHandle(path);
        var key = new byte[32];
        List<Limit> limits =
        [
            Both("page-cache read, 256 KiB pread", content, () => new byte[Piece], (buffer, offset) => RandomAccess.Read(file, buffer, offset)),
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
            Both("zstd level 1 of 256 KiB (managed)", content, () => (Compressor: new ZstdSharp.Compressor(1), Output: new byte[Piece + 4096]), (state, offset) => state.Compressor.Wrap(content.AsSpan(offset, Piece), state.Output)),
            Both("AES-256-GCM of 256 KiB", content, () => (Aes: new AesGcm(key, 16), Output: new byte[Piece], Tag: new byte[16], Nonce: new byte[12]), (state, offset) => state.Aes.Encrypt(state.Nonce, content.AsSpan(offset, Piece), state.Output, state.Tag)),
            new("write + fsync, 4 MiB writes", write, null),
        ];
        if (PageCache.CanDrop)
            limits.Add(Cold(path, content.Length));
        File.Delete(path);
        return limits;
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

    /// <summary>What comes from the disk, once by one thread and once by all of them, each reading its part.</summary>
    private static Limit Cold(string path, int length)
    {
        double Read(int threads)
        {
            PageCache.Drop();
            using var file = File.OpenHandle(path);
            return Rate(length, () => Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
            {
                var buffer = new byte[Piece];
                for (long offset = (long)length / threads * i, end = offset + length / threads; offset < end; offset += Piece)
                    RandomAccess.Read(file, buffer, offset);
            }));
        }

        return new Limit("read from disk, 256 KiB pread", Read(1), Read(Environment.ProcessorCount));
    }

    private static void Over<T>(int length, T state, Action<T, int> act)
    {
        for (var offset = 0; offset < length; offset += Piece)
            act(state, offset);
    }

    private static double Best(long bytes, Action act) => Enumerable.Range(0, 5).Max(_ => Rate(bytes, act));

    private static double Rate(long bytes, Action act)
    {
        var began = Stopwatch.GetTimestamp();
        act();
        return bytes / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }
}
