using StatefulRelocate.Activities.Leases;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Activities.Retiring;

/// <summary>The relocation leaves the writer record, which names the target from then on, and the claim on the source goes.</summary>
internal sealed class ReleaseLeaseActivity(IAgentEnvironment environment) : IActivity
{
    public string Kind => StepKind.ReleaseLease;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var held = new HeldApp(environment, request);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        var repository = await held.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await repository.DeleteSealedAsync(held.SealedDefinitionName, cancellationToken).ConfigureAwait(false);
        var record = await records.DemandAsync(
            (current, changeId) => held.Transitions.Release(current, request.Spec.Target, changeId), cancellationToken).ConfigureAwait(false);
        // A later relocation may hold the record already, when this is a retry; its own steps keep the copy then.
        if (record.RelocationId is null)
            records.Keep(record, records.Copy.Fenced);
        LeaseClaim.Remove(held.Cluster, held.App, request.RelocationId);
        return new StepOutput();
    }

    public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => Task.FromResult(new StepOutput());
}
