using System.Diagnostics;
using System.Runtime.InteropServices;
using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Limits;

/// <summary>What the disk can do at best, in bytes a second. All that is written counts when it is durable.</summary>
/// <param name="Read">Reading one file from it, a thread for each processor.</param>
/// <param name="Write">Writing one file.</param>
/// <param name="Together">Both at once: what is read and what is written, added up.</param>
/// <param name="Pages">Rewriting 8 KiB pages at random places of a file.</param>
internal sealed partial record DiskLimits(double Read, double Write, double Together, double Pages)
{
    private const int Piece = 256 << 10, WritePiece = 4 << 20, Page = 8192, MostPages = 1310;

    /// <summary>Null where reads cannot be made to come from the disk.</summary>
    public static DiskLimits? Measure(string directory, byte[] content)
    {
        if (!PageCache.CanDrop)
            return null;
        var (read, written) = (Path.Combine(directory, "limits-read.dat"), Path.Combine(directory, "limits-write.dat"));
        try
        {
            WriteFile(read, content);
            PageCache.Drop();
            var reading = Seconds(() => ReadFile(read, content.Length, Environment.ProcessorCount));
            var writing = Seconds(() => WriteFile(written, content));
            File.Delete(written);
            PageCache.Drop();
            var together = Seconds(() => Parallel.Invoke(() => ReadFile(read, content.Length, 1), () => WriteFile(written, content)));
            PageCache.Sync();
            var pages = Math.Min(MostPages, content.Length / Page / 4);
            var paging = Seconds(() => RewritePages(written, content, pages));
            return new DiskLimits(content.Length / reading, content.Length / writing, 2.0 * content.Length / together, (double)pages * Page / paging);
        }
        finally
        {
            File.Delete(read);
            File.Delete(written);
        }
    }

    private static void WriteFile(string path, byte[] content)
    {
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        for (var offset = 0; offset < content.Length; offset += WritePiece)
            stream.Write(content, offset, Math.Min(WritePiece, content.Length - offset));
        stream.Flush(flushToDisk: true);
    }

    private static void ReadFile(string path, int length, int threads)
    {
        using var file = File.OpenHandle(path);
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
        {
            var buffer = new byte[Piece];
            for (long offset = (long)length / threads * i, end = offset + (length / threads); offset < end; offset += Piece)
                RandomAccess.Read(file, buffer, offset);
        });
    }

    private static void RewritePages(string path, byte[] content, int pages)
    {
        var random = new Random(pages);
        var numbers = Enumerable.Range(0, pages).Select(_ => random.Next(content.Length / Page)).Order();
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
        foreach (var number in numbers)
            RandomAccess.Write(file, content.AsSpan(0, Page), (long)number * Page);
        if (SyncFileSystem((int)file.DangerousGetHandle()) != 0)
            throw new BenchmarkException($"{path}: syncfs failed");
    }

    private static double Seconds(Action act)
    {
        var began = Stopwatch.GetTimestamp();
        act();
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    [LibraryImport("libc", EntryPoint = "syncfs")]
    private static partial int SyncFileSystem(int descriptor);
}
