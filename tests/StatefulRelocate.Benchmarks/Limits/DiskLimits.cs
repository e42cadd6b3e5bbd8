using System.Diagnostics;
using System.Runtime.InteropServices;
using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Limits;

/// <summary>What the disk can do, in bytes a second, the best of three. All that is written counts when it is durable.</summary>
/// <param name="Write">Writing one file.</param>
/// <param name="Pages">Rewriting 8 KiB pages at random places of a file.</param>
/// <param name="Cold">What can be measured where reads can be made to come from the disk; else null.</param>
internal sealed partial record DiskLimits(double Write, double Pages, ColdLimits? Cold)
{
    private const int Piece = 256 << 10, WritePiece = 4 << 20, SyncPiece = 32 << 20, Page = 8192, MostPages = 1310, Tries = 3;

    public static DiskLimits Measure(string directory, byte[] content)
    {
        var (read, written) = (Path.Combine(directory, "limits-read.dat"), Path.Combine(directory, "limits-write.dat"));
        try
        {
            var write = Best(() => MachineLimits.Rate(content.Length, () => WriteFile(written, content)));
            var pages = Best(() => RewritePages(written, content));
            WriteFile(read, content);
            return new DiskLimits(write, pages, !PageCache.CanDrop ? null : new ColdLimits(Best(() => ReadCold(read, content)), Best(() => ReadAndWrite(read, written, content))));
        }
        finally
        {
            File.Delete(read);
            File.Delete(written);
        }
    }

    private static double ReadCold(string path, byte[] content)
    {
        PageCache.Drop();
        var threads = Environment.ProcessorCount;
        return MachineLimits.Rate(content.Length, () => Parallel.For(0, threads, i =>
            ReadFile(path, (long)content.Length / threads * i, content.Length / threads, _ => true)));
    }

    /// <summary>Both at once, until the first of them is done.</summary>
    private static double ReadAndWrite(string read, string written, byte[] content)
    {
        PageCache.Drop();
        var (moved, isOver, began) = (0L, false, Stopwatch.GetTimestamp());
        TimeSpan? lasted = null;
        bool Count(long bytes)
        {
            if (!Volatile.Read(ref isOver))
                Interlocked.Add(ref moved, bytes);
            return !Volatile.Read(ref isOver);
        }

        void End()
        {
            lasted ??= Stopwatch.GetElapsedTime(began);
            Volatile.Write(ref isOver, true);
        }

        Parallel.Invoke(
            () =>
            {
                ReadFile(read, 0, content.Length, Count);
                End();
            },
            () =>
            {
                WriteFile(written, content, Count);
                End();
            });
        return moved / lasted!.Value.TotalSeconds;
    }

    private static double RewritePages(string path, byte[] content)
    {
        PageCache.Sync();
        var pages = Math.Min(MostPages, content.Length / Page / 4);
        var numbers = Enumerable.Range(0, content.Length / Page).ToArray();
        new Random(pages).Shuffle(numbers);
        var chosen = numbers.Take(pages).Order().ToList();
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
        return MachineLimits.Rate((long)pages * Page, () =>
        {
            foreach (var number in chosen)
                RandomAccess.Write(file, content.AsSpan(0, Page), (long)number * Page);
            if (SyncFileSystem((int)file.DangerousGetHandle()) != 0)
                throw new BenchmarkException($"{path}: syncfs failed");
        });
    }

    /// <param name="path">The file.</param>
    /// <param name="content">What it is to be.</param>
    /// <param name="durable">Is told of bytes that are, some megabytes at a time, and says whether to go on; null syncs once, at the end.</param>
    private static void WriteFile(string path, byte[] content, Func<long, bool>? durable = null)
    {
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        for (int offset = 0, synced = 0; offset < content.Length;)
        {
            var length = Math.Min(WritePiece, content.Length - offset);
            stream.Write(content, offset, length);
            offset += length;
            if (durable is null || (offset - synced < SyncPiece && offset < content.Length))
                continue;
            stream.Flush(flushToDisk: true);
            if (!durable(offset - synced))
                return;
            synced = offset;
        }

        stream.Flush(flushToDisk: true);
    }

    private static void ReadFile(string path, long start, long length, Func<long, bool> goesOn)
    {
        using var file = File.OpenHandle(path);
        var buffer = new byte[Piece];
        for (var offset = start; offset < start + length; offset += Piece)
        {
            if (!goesOn(RandomAccess.Read(file, buffer, offset)))
                return;
        }
    }

    private static double Best(Func<double> rate) => Enumerable.Range(0, Tries).Max(_ => rate());

    [LibraryImport("libc", EntryPoint = "syncfs")]
    private static partial int SyncFileSystem(int descriptor);
}

/// <summary>Reads that come from the disk, in bytes a second.</summary>
/// <param name="Read">One file, a thread for each processor.</param>
/// <param name="Together">One file, while another one is written: the bytes of both.</param>
internal sealed record ColdLimits(double Read, double Together);
