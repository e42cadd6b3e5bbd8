using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>What to restore, and where to.</summary>
public sealed record RestoreRequest
{
    /// <summary>The snapshot.</summary>
    public required string SnapshotId { get; init; }

    /// <summary>Where each volume of the snapshot goes; what is in there becomes what the snapshot says.</summary>
    public required ImmutableArray<VolumePath> Volumes { get; init; }

    /// <summary>Where this side's journal is kept; made (0700) when missing. Not the one of the snapshotter of the same volumes.</summary>
    public required string JournalDirectory { get; init; }

    /// <summary>Whether to wait until the snapshot is sealed, looking every 20 ms, instead of failing when it is not.</summary>
    public bool WaitForManifest { get; init; }

    /// <summary>Bytes that buffers may take together. Default: 256 MiB; 64 MiB at least.</summary>
    public long Memory { get; init; } = 256L << 20;
}

/// <summary>What was restored. In the figures, <see cref="RoundFigures.BytesShipped"/> is what was written to volumes.</summary>
public sealed record SnapshotRestored(string SnapshotId, RoundFigures Figures, ImmutableArray<StepPart> Parts, ImmutableArray<string> Warnings);

/// <summary>What to verify against what.</summary>
public sealed record VerifyRequest
{
    /// <summary>The snapshot.</summary>
    public required string SnapshotId { get; init; }

    /// <summary>Where each volume lies.</summary>
    public required ImmutableArray<VolumePath> Volumes { get; init; }

    /// <summary>The journal directory of the restore.</summary>
    public required string JournalDirectory { get; init; }
}

/// <summary>The outcome of a verification.</summary>
/// <param name="RootHash">The root computed from this side's own bytes, in hex.</param>
/// <param name="ManifestRootHash">The root that the snapshot was sealed with.</param>
/// <param name="Matches">Whether they are equal.</param>
/// <param name="Differences">The first differences, one line each; empty when they match.</param>
/// <param name="Figures">What was read.</param>
public sealed record TreeVerified(string RootHash, string ManifestRootHash, bool Matches, ImmutableArray<string> Differences, RoundFigures Figures);
