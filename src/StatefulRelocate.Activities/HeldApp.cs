using System.Collections.Immutable;
using StatefulRelocate.Activities.Durability;
using StatefulRelocate.Activities.Leases;
using StatefulRelocate.Activities.Volumes;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Activities;

/// <summary>One app on this agent's cluster, in the hands of one relocation: what steps, undos and the blackout guard act on.</summary>
internal sealed class HeldApp(IAgentEnvironment environment, string app, string relocationId, long epoch, string repository)
{
    public HeldApp(IAgentEnvironment environment, ActivityRequest request)
        : this(environment, request.Spec.App, request.RelocationId, request.Epoch, request.Spec.Repository)
    {
    }

    public IAgentEnvironment Environment => environment;

    public ICluster Cluster => environment.Cluster;

    public string App => app;

    public string RelocationId => relocationId;

    public WriterTransitions Transitions { get; } = new(relocationId, epoch);

    public VolumeMarks Marks { get; } = new(environment.Cluster, app);

    public string SealedDefinitionName => $"apps/{app}/{relocationId}";

    public Task<IDisposable> LockAsync(CancellationToken cancellationToken) => AppLock.TakeAsync(Cluster, app, cancellationToken);

    /// <summary>Where the app's snapshots and its writer record are: its own key domain, where it has one.</summary>
    public async Task<Repository> OpenRepositoryAsync(CancellationToken cancellationToken)
        => await (await environment.OpenRepositoryAsync(repository, cancellationToken).ConfigureAwait(false)).ForAppAsync(app, cancellationToken).ConfigureAwait(false);

    public async Task<WriterRecords> OpenRecordsAsync(CancellationToken cancellationToken)
        => new(Cluster, await OpenRepositoryAsync(cancellationToken).ConfigureAwait(false), repository, app);

    /// <summary>What the cluster knows of the app; not knowing it is a failure.</summary>
    public async Task<ClusterApp> DemandAsync(CancellationToken cancellationToken)
        => await Cluster.FindAsync(app, cancellationToken).ConfigureAwait(false)
            ?? throw new ActivityException("app-unknown", $"cluster {Cluster.Name} does not know the app {app}", retryable: false);

    public async Task<AppDefinition> DefinitionAsync(CancellationToken cancellationToken)
        => (await DemandAsync(cancellationToken).ConfigureAwait(false)).Definition;

    public ImmutableArray<VolumePath> PathsOf(AppDefinition definition)
        => [.. definition.Volumes.Select(volume => new VolumePath(volume.Name, Cluster.VolumePath(app, volume.Name)))];

    /// <summary>Throws unless every process of the app is gone or suspended and nobody else writes.</summary>
    /// <param name="cancellationToken">Cancels.</param>
    /// <param name="retryable">Whether another look may find it silent and all be well.</param>
    public async Task DemandSilenceAsync(CancellationToken cancellationToken, bool retryable = true)
    {
        var proof = await Cluster.ProveSilentAsync(app, cancellationToken).ConfigureAwait(false);
        if (!proof.Silent)
            throw new ActivityException("not-silent", $"{app} on {Cluster.Name} is not silent: {string.Join("; ", proof.Reasons)}", retryable);
    }

    public string JournalDirectory(string name) => Path.Combine(Cluster.AppDirectory(app), name);

    /// <summary>Throws unless the durable copy of the writer record is held by this relocation.</summary>
    public WriterRecord DemandHeldCopy()
    {
        var record = Cluster.ReadWriterState(app).Record;
        return record is not null && record.Epoch == epoch && string.Equals(record.RelocationId, relocationId, StringComparison.Ordinal)
            ? record
            : throw new ActivityException(
                "superseded", $"relocation {relocationId} does not hold {app} on {Cluster.Name} at epoch {epoch}", retryable: false);
    }
}
