using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>Chooses the driver of one volume for one round.</summary>
internal static class ChangedRangesDrivers
{
    /// <summary>Lists that are read by without a round that checks them, at most.</summary>
    public const int RoundsWithoutAudit = 8;

    /// <summary>Below this part of the file system free, an app's write over shared extents could fail for want of space.</summary>
    private const double LeastFree = 0.1;

    /// <param name="mode">What was asked for.</param>
    /// <param name="root">The volume.</param>
    /// <param name="volume">Its name.</param>
    /// <param name="journal">The journal's directory.</param>
    /// <param name="audit">Whether the round reads everything and only checks the lists.</param>
    /// <param name="final">Whether nothing writes any more.</param>
    /// <param name="warn">Takes what the user must be told.</param>
    public static IChangedRanges Open(ChangedRangesMode mode, OpenDirectory root, string volume, string journal, bool audit, bool final, Action<string> warn)
    {
        var files = new ReflinkFiles(journal, volume);
        var remembered = File.Exists(files.Table);
        var wanted = mode != ChangedRangesMode.Scan && !RetiredMark.Stands(files.Retired);
        if (!wanted && !remembered)
            return ScanRanges.Instance;
        var clones = CloneDirectory.Open(root, files.Owner, known: remembered);
        if (clones is null)
        {
            if (wanted && mode == ChangedRangesMode.Reflink)
                throw new RelocateException($"{root.Handle.Shown}: its file system cannot reflink for this user, as changed ranges by 'reflink' need; use an XFS (made with reflink=1) or btrfs, or ask for 'auto' or 'scan'");
            return remembered ? new ReadAllOnce(files.Table) : ScanRanges.Instance;
        }

        var serving = wanted && HasRoom(root, mode, warn);
        var table = remembered ? CloneTable.Load(files.Table) : new CloneTable(KernelClock.BootId(), 0, 0, new Dictionary<string, KeptClone>());
        if (table is null)
        {
            // Which files were read by unchecked lists is not known any more.
            clones.Dispose();
            return new ReadAllOnce(files.Table);
        }

        if (table.BootId != KernelClock.BootId())
            table = table with { BootId = KernelClock.BootId(), Clones = table.Clones.ToDictionary(c => c.Key, c => c.Value with { Identity = default }) };
        return new ReflinkRanges(clones, files, table, serving, audit || table.SinceAudit >= RoundsWithoutAudit, final, warn);
    }

    private static bool HasRoom(OpenDirectory root, ChangedRangesMode mode, Action<string> warn)
    {
        var (size, free) = Ioctl.Space(root.Handle);
        if (free >= size * LeastFree)
            return true;
        if (mode == ChangedRangesMode.Reflink)
            warn($"{root.Handle.Shown}: less than a tenth of its file system is free, so no reflinks are kept and changed files are scanned");
        return false;
    }
}

/// <summary>What was remembered is lost: one round reads everything, and begins anew.</summary>
internal sealed class ReadAllOnce(string table) : IChangedRanges
{
    public string Driver => "scan";

    public bool MustRead(string path) => true;

    public void Keep(string path)
    {
    }

    public RangedFile Open(string path, OpenFile file, FileVersion? before) => new(file, null, null, audit: true);

    public void Finish(string path, RangedFile file, FileVersion version)
    {
    }

    public void Commit() => File.Delete(table);

    public void Dispose()
    {
    }
}
