using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Activities.Leases;

/// <summary>Takes the writer record for this relocation, above every epoch seen. The undo releases it; writer and epoch stay.</summary>
internal sealed class LeaseActivity(IAgentEnvironment environment) : IActivity
{
    public string Kind => StepKind.Lease;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var held = new HeldApp(environment, request);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        LeaseClaim.Take(held.Cluster, held.App, new LeaseClaim(request.RelocationId, request.Spec.Repository));
        var highest = HighestEpoch(request);
        var decision = await records.ChangeAsync(
            (current, changeId) => WriterClaims.Take(current, held.App, request.RelocationId, request.Spec.Source, highest, changeId),
            cancellationToken).ConfigureAwait(false);
        if (decision is WriterDecision.Refused refused)
        {
            LeaseClaim.Remove(held.Cluster, held.App, request.RelocationId);
            throw new ActivityException("lease-held", refused.Message, retryable: false);
        }

        var record = decision is WriterDecision.Write(var next) ? next : ((WriterDecision.Already)decision).Current;
        records.Keep(record, records.Copy.Fenced);
        // The first output that an agent remembers: a run that takes over finds here what a preflight captured.
        return new StepOutput { Epoch = record.Epoch, DnsBefore = request.Captured("preflight-target")?.DnsBefore };
    }

    public async Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var held = new HeldApp(environment, request);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        var current = await records.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (string.Equals(current?.RelocationId, request.RelocationId, StringComparison.Ordinal))
            // The record's own epoch: an attempt whose answer was lost took one that no engine ever heard of.
            await ReleaseAsync(records, new WriterTransitions(request.RelocationId, current!.Epoch), request.Spec.Source, cancellationToken).ConfigureAwait(false);
        else
            await records.DemandAsync(
                (record, changeId) => WriterClaims.Forestall(record, held.App, request.Spec.Source, HighestEpoch(request), changeId),
                cancellationToken).ConfigureAwait(false);
        LeaseClaim.Remove(held.Cluster, held.App, request.RelocationId);
        return new StepOutput();
    }

    private static async Task ReleaseAsync(WriterRecords records, WriterTransitions transitions, string source, CancellationToken cancellationToken)
    {
        // Nobody stands in the record here only when the source was thawed on the engine's order while the store was out of reach.
        var record = await records.DemandAsync((current, changeId) => transitions.WinBack(current, source, changeId), cancellationToken).ConfigureAwait(false);
        records.Keep(record, fenced: false);
        record = await records.DemandAsync((current, changeId) => transitions.Release(current, source, changeId), cancellationToken).ConfigureAwait(false);
        records.Keep(record, fenced: false);
    }

    private static long HighestEpoch(ActivityRequest request)
    {
        var highest = 0L;
        foreach (var capture in request.Captures)
            highest = Math.Max(highest, capture.Output.HighestEpoch ?? 0);
        return highest;
    }
}
