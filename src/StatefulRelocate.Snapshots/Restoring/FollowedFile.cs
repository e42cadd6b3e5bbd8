using StatefulRelocate.Snapshots.Chunks;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>A file that was written while its snapshot was being taken, and has not changed since.</summary>
/// <param name="Blocks">What it should hold now.</param>
/// <param name="Written">The blocks that were written and still have to be read back, listed.</param>
internal sealed record FollowedFile(BlockMap Blocks, IReadOnlyList<WrittenBlocks> Written);
