using StatefulRelocate.Activities.Rounds;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Activities.Cutover;

/// <summary>The last delta, read from the fenced and silent source; silence is proved before the first byte and after the last.</summary>
internal sealed class FinalSnapshotActivity(IAgentEnvironment environment) : IActivity
{
    public string Kind => StepKind.FinalSnapshot;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var held = new HeldApp(environment, context.Request);
        var parts = new StepParts(environment.Time);
        DemandFence(held);
        await parts.TimeAsync("prove silence", () => held.DemandSilenceAsync(cancellationToken)).ConfigureAwait(false);
        var mapped = await held.Cluster.FindSharedWritableMappingsAsync(held.App, cancellationToken).ConfigureAwait(false);
        var before = new SourceReturn(held).Remembered()?.SharedMappings ?? [];
        var taken = await SourceRound.TakeAsync(
            held, context, [.. mapped.Union(before, StringComparer.Ordinal).Order(StringComparer.Ordinal)], final: true, cancellationToken).ConfigureAwait(false);
        // Not retried: the snapshot is sealed, and whoever writes now may have written while it was read.
        await parts.TimeAsync("prove it again", () => held.DemandSilenceAsync(cancellationToken, retryable: false)).ConfigureAwait(false);
        DemandFence(held);
        var proofs = parts.ToImmutable();
        return new StepOutput
        {
            SnapshotId = taken.SnapshotId,
            VolumeHash = taken.RootHash,
            Figures = taken.Figures,
            Parts = [proofs[0], .. taken.Parts, proofs[1]],
            Warnings = taken.Warnings,
        };
    }

    public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => Task.FromResult(new StepOutput());

    private static void DemandFence(HeldApp held)
    {
        if (held.DemandHeldCopy() is not { Writer: WriterRecord.Nobody, Phase: RelocationPhase.Fenced or RelocationPhase.Started }
            || !held.Cluster.ReadWriterState(held.App).Fenced)
            throw new ActivityException("not-fenced", $"{held.App} on {held.Cluster.Name} is not fenced; the final delta is taken from a fenced app only", retryable: false);
    }
}
