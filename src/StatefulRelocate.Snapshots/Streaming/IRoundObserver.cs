using StatefulRelocate.Snapshots.Packs;

namespace StatefulRelocate.Snapshots.Streaming;

/// <summary>
/// Is told what a round has done so far, so that a target can follow it before it is sealed. Both calls return at once, may come from any
/// thread and in any order, and never fail: what they say is a hint that nothing depends on.
/// </summary>
internal interface IRoundObserver
{
    /// <summary>A pack can be read from the store.</summary>
    void PackDurable(PackTable table);

    /// <summary>Blocks of a file that differ from the round before were read; called while the file is still being read.</summary>
    /// <param name="volume">The volume's position in the manifest.</param>
    /// <param name="path">In the volume.</param>
    /// <param name="size">The size that the file is read with.</param>
    /// <param name="firstBlock">The number of the first block in the file.</param>
    /// <param name="ids">The ids of this and the following blocks; default for zeros. The announcer copies them.</param>
    void BlocksRead(int volume, string path, long size, long firstBlock, ReadOnlySpan<UInt128> ids);
}
