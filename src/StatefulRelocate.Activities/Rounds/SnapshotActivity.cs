using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Activities.Rounds;

/// <summary>One live snapshot on the source; the app goes on.</summary>
internal sealed class SnapshotActivity(IAgentEnvironment environment) : IActivity
{
    public string Kind => StepKind.Snapshot;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var held = new HeldApp(environment, context.Request);
        var taken = await SourceRound.TakeAsync(held, context, [], final: false, cancellationToken).ConfigureAwait(false);
        return new StepOutput { SnapshotId = taken.SnapshotId, Figures = taken.Figures, Parts = taken.Parts, Warnings = taken.Warnings };
    }

    public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => Task.FromResult(new StepOutput());
}
