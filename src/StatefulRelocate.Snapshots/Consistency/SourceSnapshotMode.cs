namespace StatefulRelocate.Snapshots.Consistency;

/// <summary>What a snapshot reads from.</summary>
public enum SourceSnapshotMode
{
    /// <summary>The live tree.</summary>
    Off = 0,

    /// <summary>
    /// A read-only btrfs snapshot of the subvolume that holds the volume: all of it at one instant. Where that cannot be made, on XFS and btrfs, a reflink of each file
    /// while it is read: every file at one instant. Elsewhere the live tree.
    /// </summary>
    Auto = 1,
}
