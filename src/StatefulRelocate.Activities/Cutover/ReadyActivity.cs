using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Activities.Cutover;

/// <summary>The app on the target answers its readiness probe, and its started hook has run.</summary>
internal sealed class ReadyActivity(IAgentEnvironment environment) : IActivity
{
    public string Kind => StepKind.Ready;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var held = new HeldApp(environment, context.Request);
        var parts = new StepParts(environment.Time);
        var definition = await held.DefinitionAsync(cancellationToken).ConfigureAwait(false);
        await parts.TimeAsync("readiness probe", () => held.Cluster.WaitReadyAsync(held.App, cancellationToken)).ConfigureAwait(false);
        string? warning = null;
        if (definition.Hooks.Started is { } hook)
            warning = await parts.TimeAsync("started hook", () => held.Cluster.RunHookAsync(held.App, hook, cancellationToken)).ConfigureAwait(false);
        return new StepOutput { Parts = parts.ToImmutable(), Warnings = warning is null ? [] : [warning] };
    }

    public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => Task.FromResult(new StepOutput());
}
