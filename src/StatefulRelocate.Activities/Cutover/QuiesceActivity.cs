using StatefulRelocate.Activities.Blackout;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Activities.Cutover;

/// <summary>The blackout begins: the guard is armed, then the hook runs, then the app is stopped or frozen. The undo brings it back.</summary>
internal sealed class QuiesceActivity(IAgentEnvironment environment, IBootClock clock) : IActivity
{
    public string Kind => StepKind.Quiesce;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var held = new HeldApp(environment, request);
        var parts = new StepParts(environment.Time);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        if (held.DemandHeldCopy() is not { Phase: RelocationPhase.Taken or RelocationPhase.Fenced })
            throw new ActivityException("superseded", $"relocation {request.RelocationId} was undone on {held.Cluster.Name}; {held.App} is left running", retryable: false);
        var definition = await held.DefinitionAsync(cancellationToken).ConfigureAwait(false);
        BlackoutDeadline.Arm(held.Cluster, BlackoutDeadlines.Of(request, BlackoutRole.Source, clock));
        var source = new SourceReturn(held);
        if (source.Remembered() is null)
            source.Remember(new QuiescedApp(
                request.RelocationId,
                await held.Cluster.FindSharedWritableMappingsAsync(held.App, cancellationToken).ConfigureAwait(false)));
        string? warning = null;
        if (definition.Hooks.Quiesce is { } hook)
            warning = await parts.TimeAsync("quiesce hook", () => held.Cluster.RunHookAsync(held.App, hook, cancellationToken)).ConfigureAwait(false);
        var mode = request.Spec.Cutover.Quiesce;
        await parts.TimeAsync(
            mode.ToString().ToLowerInvariant(), () => held.Cluster.QuiesceAsync(held.App, mode, cancellationToken)).ConfigureAwait(false);
        return new StepOutput { Parts = parts.ToImmutable(), Warnings = warning is null ? [] : [warning] };
    }

    public async Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var held = new HeldApp(environment, context.Request);
        var parts = new StepParts(environment.Time);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        var source = new SourceReturn(held);
        await parts.TimeAsync("win the record back", () => source.LiftAsync(context.Request, cancellationToken)).ConfigureAwait(false);
        var warning = await parts.TimeAsync("serve again", () => source.ServeAgainAsync(cancellationToken)).ConfigureAwait(false);
        await parts.TimeAsync("ready", () => held.Cluster.WaitReadyAsync(held.App, cancellationToken)).ConfigureAwait(false);
        return new StepOutput { Parts = parts.ToImmutable(), Warnings = warning is null ? [] : [warning] };
    }
}
