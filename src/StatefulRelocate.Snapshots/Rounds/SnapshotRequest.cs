using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>A volume and where it lies on this side.</summary>
/// <param name="Name">The volume's name in the app; <c>[a-z0-9-]</c>.</param>
/// <param name="Path">An absolute directory.</param>
public sealed record VolumePath(string Name, string Path);

/// <summary>What to take a snapshot of.</summary>
public sealed record SnapshotRequest
{
    /// <summary>The app; also the name under which <c>snapshot list</c> shows it.</summary>
    public required string App { get; init; }

    /// <summary>The id of the snapshot: <c>[a-z0-9._-]</c>, up to 120 characters.</summary>
    public required string SnapshotId { get; init; }

    /// <summary>The volumes.</summary>
    public required ImmutableArray<VolumePath> Volumes { get; init; }

    /// <summary>Where the round journal of this app and side is kept; made (0700) when missing.</summary>
    public required string JournalDirectory { get; init; }

    /// <summary>The round's number, for the manifest.</summary>
    public int Round { get; init; }

    /// <summary>The relocation, for the manifest.</summary>
    public string? RelocationId { get; init; }

    /// <summary>Absolute paths of files that are compared in full whatever their times say (mapped shared and writable).</summary>
    public ImmutableArray<string> CompareInFull { get; init; } = [];

    /// <summary>Whether nothing writes any more: a file that changes while it is read is then an error.</summary>
    public bool Final { get; init; }
}

/// <summary>A sealed snapshot.</summary>
/// <param name="SnapshotId">Its id.</param>
/// <param name="RootHash">The root of the hash tree over all paths, metadata and blocks, in hex.</param>
/// <param name="Figures">What it read and shipped.</param>
/// <param name="Parts">Its parts and how long each took.</param>
/// <param name="Warnings">What was skipped or carried as it was, one line each.</param>
public sealed record SnapshotTaken(string SnapshotId, string RootHash, RoundFigures Figures, ImmutableArray<StepPart> Parts, ImmutableArray<string> Warnings);
