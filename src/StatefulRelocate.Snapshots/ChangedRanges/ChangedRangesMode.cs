namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>How a round finds out which bytes of a changed file to read.</summary>
public enum ChangedRangesMode
{
    /// <summary>It reads every file whose size, times or inode moved, and compares fingerprints. Leaves nothing behind.</summary>
    Scan = 0,

    /// <summary>As <see cref="Reflink"/> where a volume's file system can, as <see cref="Scan"/> elsewhere.</summary>
    Auto = 1,

    /// <summary>It keeps a reflink of each changed file of at least 1 MiB and compares where both lie (XFS, btrfs). An error where the file system cannot.</summary>
    Reflink = 2,
}
