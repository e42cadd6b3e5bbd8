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
        var final = request.Captured(StepKind.FinalSnapshot)
            ?? throw new ActivityException("verify-mismatch", "verify was asked for without a final snapshot", retryable: false);
        var parts = new StepParts(environment.Time);
        var repository = await held.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        var volumes = held.PathsOf(await held.DefinitionAsync(cancellationToken).ConfigureAwait(false));
        var verified = await parts.TimeAsync("hash tree", () => new Restorer(repository, environment.Time).VerifyAsync(
            new VerifyRequest
            {
                SnapshotId = final.SnapshotId ?? SourceRound.SnapshotId(request),
                Volumes = volumes,
                JournalDirectory = held.JournalDirectory("restores"),
            },
            new HeartbeatProgress(context),
            cancellationToken)).ConfigureAwait(false);
        if (!verified.Matches
            || !string.Equals(verified.RootHash, verified.ManifestRootHash, StringComparison.Ordinal)
            || !string.Equals(verified.ManifestRootHash, final.VolumeHash, StringComparison.Ordinal))
            throw new ActivityException(
                "verify-mismatch",
                $"the data of {held.App} on {held.Cluster.Name} is not what {request.Spec.Source} sealed in {final.SnapshotId}: "
                    + (verified.Differences.IsDefaultOrEmpty ? "the roots differ" : string.Join("; ", verified.Differences.Take(3)))
                    + "; it was not started",
                retryable: false);
        return new StepOutput { VolumeHash = verified.RootHash, SnapshotId = final.SnapshotId, Figures = verified.Figures, Parts = parts.ToImmutable() };
    }

    public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => Task.FromResult(new StepOutput());
}
