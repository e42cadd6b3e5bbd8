using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Activities.Cutover;

/// <summary>Proof that the source cannot write any more; then the record goes from the source to nobody. The undo wins it back.</summary>
internal sealed class FenceActivity(IAgentEnvironment environment) : IActivity
{
    public string Kind => StepKind.Fence;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var held = new HeldApp(environment, request);
        var parts = new StepParts(environment.Time);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        held.DemandHeldCopy();
        await parts.TimeAsync("prove silence", () => held.DemandSilenceAsync(cancellationToken)).ConfigureAwait(false);
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        parts.Time("set the fence", records.SetFence);
        var decision = await parts.TimeAsync(
            "give the record up",
            () => records.ChangeAsync((current, changeId) => held.Transitions.Fence(current, held.Cluster.Name, changeId), cancellationToken)).ConfigureAwait(false);
        switch (decision)
        {
            case WriterDecision.Write(var next):
                records.Keep(next, fenced: true);
                break;
            case WriterDecision.Already(var current):
                records.Keep(current, fenced: true);
                break;
            case WriterDecision.Refused refused:
                await StandDownAsync(held, records, cancellationToken).ConfigureAwait(false);
                throw new ActivityException("superseded", refused.Message, retryable: false);
        }

        await parts.TimeAsync("prove it again", () => held.DemandSilenceAsync(cancellationToken)).ConfigureAwait(false);
        return new StepOutput { Parts = parts.ToImmutable() };
    }

    public async Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var held = new HeldApp(environment, context.Request);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        await new SourceReturn(held).LiftAsync(context.Request, cancellationToken).ConfigureAwait(false);
        return new StepOutput();
    }

    // A late fence lost against an undo: where the record names this cluster, the fence that was just set is not to stay.
    private static async Task StandDownAsync(HeldApp held, Leases.WriterRecords records, CancellationToken cancellationToken)
    {
        var record = await records.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (record is not null && string.Equals(record.Writer, held.Cluster.Name, StringComparison.Ordinal))
            records.Keep(record, fenced: false);
    }
}
