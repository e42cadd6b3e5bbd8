using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>What a final round may have to read of a volume.</summary>
/// <param name="Driver">The driver that would serve it now: <c>scan</c> or <c>reflink</c>.</param>
/// <param name="Files">Files in the volume.</param>
/// <param name="Bytes">Their sizes together: what is scanned when each of them changes.</param>
public sealed record ScanEstimate(string Driver, long Files, long Bytes)
{
    /// <summary>Looks at a volume; changes nothing, and reads no file.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="mode">How changed ranges shall be found.</param>
    /// <exception cref="RelocateException">The volume cannot be listed.</exception>
    public static ScanEstimate Of(string volume, ChangedRangesMode mode)
    {
        try
        {
            using var root = OpenDirectory.Open(volume);
            var (files, bytes) = Count(root, isRoot: true);
            return new ScanEstimate(mode != ChangedRangesMode.Scan && Ioctl.SharesExtents(root.Handle) ? "reflink" : "scan", files, bytes);
        }
        catch (SystemCallException error)
        {
            throw new RelocateException(error.Message, inner: error);
        }
    }

    private static (long Files, long Bytes) Count(OpenDirectory directory, bool isRoot)
    {
        long files = 0, bytes = 0;
        foreach (var name in directory.Names())
        {
            if ((isRoot && ReservedDirectory.IsReserved(name)) || directory.FactsAt(name) is not { } facts)
                continue;
            if (facts.Type == EntryType.File)
            {
                files++;
                bytes += facts.Size;
            }
            else if (facts.Type == EntryType.Directory)
            {
                using var below = directory.OpenDirectoryAt(name);
                var (more, size) = Count(below, isRoot: false);
                files += more;
                bytes += size;
            }
        }

        return (files, bytes);
    }
}
