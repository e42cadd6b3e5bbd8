using System.Buffers;
using System.Runtime.InteropServices;

namespace StatefulRelocate.Benchmarks.Processes;

/// <summary>Makes the next read come from the disk, or not.</summary>
internal static partial class PageCache
{
    private const string DropCaches = "/proc/sys/vm/drop_caches";

    /// <summary>Whether this machine lets us; otherwise cold figures are warm ones, and the report says so.</summary>
    public static bool CanDrop { get; } = TryDrop();

    public static void Sync() => SyncAll();

    public static void Drop()
    {
        SyncAll();
        if (CanDrop)
            TryDrop();
    }

    /// <summary>Reads every file once, except copies by reflink that an engine keeps at the top of a volume.</summary>
    public static void Warm(string directory)
    {
        SyncAll();
        foreach (var path in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Where(path => !path.Contains("/.relocate", StringComparison.Ordinal)))
            WarmFile(path);
    }

    /// <summary>Reads a file once.</summary>
    public static void WarmFile(string path)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 20);
        using var handle = File.OpenHandle(path);
        for (long offset = 0; RandomAccess.Read(handle, buffer, offset) is > 0 and var count; offset += count)
        {
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    private static bool TryDrop()
    {
        try
        {
            File.WriteAllText(DropCaches, "3\n");
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "sync")]
    private static partial void SyncAll();
}
