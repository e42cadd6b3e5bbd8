using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Manifests;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>How many names one kind of change concerns, and how many bytes.</summary>
/// <param name="Names">Files, directories, links and FIFOs.</param>
/// <param name="Bytes">Bytes that are written, or freed.</param>
public sealed record ChangedNames(long Names, long Bytes);

/// <summary>What a restore would do to a directory.</summary>
/// <param name="SnapshotId">The snapshot.</param>
/// <param name="Made">Names that are not there.</param>
/// <param name="Changed">Names whose content, or kind, is another. The bytes are an upper bound: of a file that gets another length, its last block may be right already.</param>
/// <param name="Metadata">Names of which only owner, mode, times or attributes differ; no bytes.</param>
/// <param name="Removed">Names that are not in the snapshot, and the bytes of their files.</param>
/// <param name="Unchanged">Names that are right already.</param>
/// <param name="Differences">Each name that would be made, changed or removed, in path order.</param>
/// <param name="Figures">What was read to find out, and what would be written.</param>
public sealed record RestorePreview(
    string SnapshotId, ChangedNames Made, ChangedNames Changed, ChangedNames Metadata, ChangedNames Removed, long Unchanged, ImmutableArray<SnapshotDifference> Differences, RoundFigures Figures);
