using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Activities.Rounds;

/// <summary>One round on the source: what the live and the final snapshot have in common.</summary>
internal static class SourceRound
{
    /// <summary>The id of a round's snapshot; both sides know it without being told.</summary>
    public static string SnapshotId(ActivityRequest request) => $"{request.RelocationId}-{request.Round}";

    public static async Task<SnapshotTaken> TakeAsync(
        HeldApp held, ActivityContext context, ImmutableArray<string> compareInFull, bool final, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var definition = await held.DefinitionAsync(cancellationToken).ConfigureAwait(false);
        var repository = await held.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        return await new Snapshotter(repository, held.Environment.Time).TakeAsync(
            new SnapshotRequest
            {
                App = held.App,
                SnapshotId = SnapshotId(request),
                Volumes = held.PathsOf(definition),
                JournalDirectory = held.JournalDirectory("rounds"),
                Round = request.Round,
                RelocationId = request.RelocationId,
                CompareInFull = compareInFull,
                Final = final,
                ChangedRanges = request.Spec.Cutover.ChangedRanges switch
                {
                    RangeSource.Scan => ChangedRangesMode.Scan,
                    RangeSource.Reflink => ChangedRangesMode.Reflink,
                    _ => ChangedRangesMode.Auto,
                },
                AuditRanges = !final,
            },
            new HeartbeatProgress(context),
            cancellationToken).ConfigureAwait(false);
    }
}
