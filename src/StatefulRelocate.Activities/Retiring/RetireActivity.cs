using StatefulRelocate.Activities.Blackout;
using StatefulRelocate.Activities.Rounds;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Activities.Retiring;

/// <summary>Kills the source's app, frozen or stopped, for good, and labels its volumes retained. Nothing is deleted.</summary>
internal sealed class RetireActivity(IAgentEnvironment environment) : IActivity
{
    public string Kind => StepKind.Retire;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var held = new HeldApp(environment, request);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        var record = await records.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (record is not { Phase: RelocationPhase.Committed }
            || !string.Equals(record.RelocationId, request.RelocationId, StringComparison.Ordinal)
            || !string.Equals(record.Writer, request.Spec.Target, StringComparison.Ordinal))
            throw new ActivityException(
                "not-committed", $"the writer record of {held.App} does not say that {request.RelocationId} committed to {request.Spec.Target}; the source is left as it is", retryable: false);
        records.Keep(record, fenced: true);
        var app = await held.DemandAsync(cancellationToken).ConfigureAwait(false);
        await held.Cluster.KillAsync(held.App, cancellationToken).ConfigureAwait(false);
        await held.DemandSilenceAsync(cancellationToken).ConfigureAwait(false);
        var until = environment.Time.GetUtcNow() + request.Spec.SourceRetention;
        foreach (var volume in app.Definition.Volumes)
            held.Marks.Retain(volume.Name, request.RelocationId, until);
        BlackoutDeadline.Disarm(held.Cluster, held.App, request.RelocationId);
        return new StepOutput { Warnings = KeptReflinks.Remove(held.PathsOf(app.Definition)) };
    }

    public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => Task.FromResult(new StepOutput());
}
