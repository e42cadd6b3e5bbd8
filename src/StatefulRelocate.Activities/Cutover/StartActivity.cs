using StatefulRelocate.Activities.Blackout;
using StatefulRelocate.Activities.Volumes;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Activities.Cutover;

/// <summary>The target becomes the writer, then the app starts there. The undo stops it, proves it, and gives the record to nobody.</summary>
internal sealed class StartActivity(IAgentEnvironment environment, RunningRestores running, IBootClock clock) : IActivity
{
    public string Kind => StepKind.Start;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var held = new HeldApp(environment, request);
        DemandVerified(request);
        var parts = new StepParts(environment.Time);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        held.DemandHeldCopy();
        var definition = await held.DefinitionAsync(cancellationToken).ConfigureAwait(false);
        var deadline = BlackoutDeadlines.Of(request, BlackoutRole.Target, clock);
        if (deadline.IsExpired(clock))
            throw new ActivityException("blackout-over", $"nothing is left of maxBlackout; {held.App} is not started on {held.Cluster.Name}", retryable: false);
        if (running.Any(held.App))
            throw new ActivityException("restore-running", $"a restore of {held.App} on {held.Cluster.Name} has not ended yet");
        parts.Time("arm the guard", () => BlackoutDeadline.Arm(held.Cluster, deadline));
        parts.Time("mark the volumes", () =>
        {
            foreach (var volume in definition.Volumes)
                held.Marks.MarkStarted(volume.Name, request.RelocationId);
        });
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        var record = await parts.TimeAsync("take the record", () => records.DemandAsync(
            (current, changeId) => held.Transitions.Start(current, held.Cluster.Name, changeId), cancellationToken)).ConfigureAwait(false);
        records.Keep(record, fenced: false);
        await parts.TimeAsync("start", () => held.Cluster.StartAsync(held.App, cancellationToken)).ConfigureAwait(false);
        return new StepOutput { Parts = parts.ToImmutable() };
    }

    public async Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var held = new HeldApp(environment, context.Request);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        var stop = new TargetStop(held);
        if (await stop.MarkUndoneAsync(records, cancellationToken).ConfigureAwait(false) is WriterDecision.Refused refused)
            throw new ActivityException(refused.Refusal is WriterRefusal.Committed ? "committed" : "superseded", refused.Message, retryable: false);
        await stop.StopAsync(records, cancellationToken).ConfigureAwait(false);
        return new StepOutput();
    }

    private static void DemandVerified(ActivityRequest request)
    {
        var sealedRoot = request.Captured(StepKind.FinalSnapshot)?.VolumeHash;
        if (sealedRoot is null || !string.Equals(sealedRoot, request.Captured(StepKind.Verify)?.VolumeHash, StringComparison.Ordinal))
            throw new ActivityException("not-verified", $"{request.Spec.App} is not started on {request.Cluster}: its data was not verified against the final snapshot", retryable: false);
    }
}
