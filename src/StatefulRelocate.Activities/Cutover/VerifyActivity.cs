using StatefulRelocate.Activities.Rounds;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Snapshots.Restoring;

namespace StatefulRelocate.Activities.Cutover;

/// <summary>The root of the hash tree over the target's own bytes equals the sealed manifest's, and the manifest is the one the source reported.</summary>
internal sealed class VerifyActivity(IAgentEnvironment environment) : IActivity
{
    public string Kind => StepKind.Verify;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var held = new HeldApp(environment, request);
        // Done right after the final restore, in one step with it, it knows the manifest only; start compares with what the source said of it.
        var final = request.Captured(StepKind.FinalSnapshot);
        if (final is null && request.Captured(StepKind.FinalRestore) is null)
            throw new ActivityException("verify-mismatch", "verify was asked for without a final snapshot", retryable: false);
        var snapshotId = final?.SnapshotId ?? SourceRound.SnapshotId(request);
        var parts = new StepParts(environment.Time);
        var repository = await held.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        var volumes = held.PathsOf(await held.DefinitionAsync(cancellationToken).ConfigureAwait(false));
        var verified = await parts.TimeAsync("hash tree", () => new Restorer(repository, environment.Time).VerifyAsync(
            new VerifyRequest
            {
                SnapshotId = snapshotId,
                Volumes = volumes,
                JournalDirectory = held.JournalDirectory("restores"),
            },
            new HeartbeatProgress(context),
            cancellationToken)).ConfigureAwait(false);
        if (!verified.Matches
            || !string.Equals(verified.RootHash, verified.ManifestRootHash, StringComparison.Ordinal)
            || (final is not null && !string.Equals(verified.ManifestRootHash, final.VolumeHash, StringComparison.Ordinal)))
            throw new ActivityException(
                "verify-mismatch",
                $"the data of {held.App} on {held.Cluster.Name} is not what {request.Spec.Source} sealed in {snapshotId}: "
                    + (verified.Differences.IsDefaultOrEmpty ? "the roots differ" : string.Join("; ", verified.Differences.Take(3)))
                    + "; it was not started",
                retryable: false);
        return new StepOutput { VolumeHash = verified.RootHash, SnapshotId = snapshotId, Figures = verified.Figures, Parts = parts.ToImmutable() };
    }

    public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => Task.FromResult(new StepOutput());
}
