using StatefulRelocate.Activities.Volumes;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Snapshots.Restoring;

namespace StatefulRelocate.Activities.Rounds;

/// <summary>
/// The restore of one round on the target, live or final: waits for the round's manifest and makes the prepared volumes what it says.
/// Never over the writer's volumes, never over what was started or is not ours.
/// </summary>
internal sealed class RestoreActivity(IAgentEnvironment environment, RunningRestores running, string kind) : IActivity
{
    public string Kind => kind;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var held = new HeldApp(environment, request);
        using var restoring = running.Begin(held.App);
        var volumes = held.PathsOf(await held.DefinitionAsync(cancellationToken).ConfigureAwait(false));
        var record = held.DemandHeldCopy();
        if (string.Equals(record.Writer, held.Cluster.Name, StringComparison.Ordinal) || record.Phase is RelocationPhase.Undone)
            throw new ActivityException("writer-volume", $"{held.Cluster.Name} is or was the writer of {held.App}; its volumes are not restored over", retryable: false);
        foreach (var volume in volumes)
            held.Marks.DemandRestorable(volume.Name, request.RelocationId);
        var repository = await held.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        var restored = await new Restorer(repository, environment.Time).RestoreAsync(
            new RestoreRequest
            {
                SnapshotId = SourceRound.SnapshotId(request),
                Volumes = volumes,
                JournalDirectory = held.JournalDirectory("restores"),
                WaitForManifest = true,
            },
            new HeartbeatProgress(context),
            cancellationToken).ConfigureAwait(false);
        return new StepOutput { SnapshotId = restored.SnapshotId, Figures = restored.Figures, Parts = restored.Parts, Warnings = restored.Warnings };
    }

    public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => Task.FromResult(new StepOutput());
}
