using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary>A snapshot as <c>list --json</c> and <c>show --json</c> print it (docs/snapshots.md). Fields may be added, never taken away.</summary>
internal sealed record SnapshotDocument(
    string Id, string App, DateTimeOffset CreatedAt, ImmutableArray<string> Tags, ImmutableArray<string> Volumes, string? Parent, string? RelocationId, int Round, bool Final,
    long Entries, long Bytes, string RootHash, RoundFigures Figures, ImmutableArray<string> Warnings)
{
    public static SnapshotDocument Of(SnapshotManifest manifest) => new(
        manifest.Id, manifest.App, manifest.CreatedAt, manifest.Tags, manifest.Volumes, manifest.Parent, manifest.RelocationId, manifest.Round, manifest.Final,
        manifest.Entries, manifest.Bytes, manifest.RootHash, manifest.Figures, manifest.Warnings);
}

/// <summary>What <c>create --json</c> prints; in a dry run there is no snapshot of that id.</summary>
internal sealed record TakenDocument(
    string SnapshotId, string App, bool DryRun, ImmutableArray<string> Tags, string RootHash, RoundFigures Figures, ImmutableArray<StepPart> Parts, ImmutableArray<string> Warnings)
{
    public static TakenDocument Of(SnapshotRequest request, SnapshotTaken taken)
        => new(taken.SnapshotId, request.App, request.DryRun, request.Tags, taken.RootHash, taken.Figures, taken.Parts, taken.Warnings);
}

/// <summary>What <c>restore --dry-run --json</c> prints.</summary>
internal sealed record PreviewDocument(
    string SnapshotId, bool DryRun, ChangedNames Made, ChangedNames Changed, ChangedNames Metadata, ChangedNames Removed, long Unchanged, ImmutableArray<SnapshotDifference> Differences, RoundFigures Figures)
{
    public static PreviewDocument Of(RestorePreview preview)
        => new(preview.SnapshotId, true, preview.Made, preview.Changed, preview.Metadata, preview.Removed, preview.Unchanged, preview.Differences, preview.Figures);
}
