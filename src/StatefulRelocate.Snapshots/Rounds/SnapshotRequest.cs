using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Consistency;

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

    /// <summary>Whether nothing writes any more: a file that changes while it is read, or cannot be read, is then an error.</summary>
    public bool Final { get; init; }

    /// <summary>Words to find the snapshot by, and to keep it by, in the order given.</summary>
    public ImmutableArray<string> Tags { get; init; } = [];

    /// <summary>What is left out, or null: nothing is.</summary>
    public IEntryFilter? Filter { get; init; }

    /// <summary>Whether only to find out what would be stored: nothing is written to the repository, and the round journal stays as it is.</summary>
    public bool DryRun { get; init; }

    /// <summary>Whether every file is read and compared whatever its times say.</summary>
    public bool Paranoid { get; init; }

    /// <summary>The level of zstd, 1 to 19; 0 stores without compressing. Default: 1.</summary>
    public int CompressionLevel { get; init; } = 1;

    /// <summary>Bytes that all buffers of the round may take together, at least 64 MiB. Default: 256 MiB.</summary>
    public long Memory { get; init; } = 256L << 20;

    /// <summary>How the round finds out which bytes of a changed file to read. Default: it scans the file.</summary>
    public ChangedRangesMode ChangedRanges { get; init; }

    /// <summary>Whether the round reads changed files in full and only checks the lists of changed ranges, as live rounds of a relocation do.</summary>
    public bool AuditRanges { get; init; }

    /// <summary>What is read: the live tree (default), or a copy of it at one instant.</summary>
    public SourceSnapshotMode SourceSnapshot { get; init; }

    /// <summary>Commands to run before and after the instant that the snapshot shows.</summary>
    public SourceHooks Hooks { get; init; } = new();
}

/// <summary>A sealed snapshot.</summary>
/// <param name="SnapshotId">Its id.</param>
/// <param name="RootHash">The root of the hash tree over all paths, metadata and blocks, in hex.</param>
/// <param name="Figures">What it read and shipped.</param>
/// <param name="Parts">Its parts and how long each took.</param>
/// <param name="Warnings">What was skipped or carried as it was, one line each.</param>
public sealed record SnapshotTaken(string SnapshotId, string RootHash, RoundFigures Figures, ImmutableArray<StepPart> Parts, ImmutableArray<string> Warnings);
