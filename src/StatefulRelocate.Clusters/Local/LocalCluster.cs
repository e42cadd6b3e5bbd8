using System.Collections.Immutable;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Clusters.Local;

/// <summary>A cluster on this machine: an app is a set of processes with directories as volumes.</summary>
public sealed class LocalCluster : ICluster, IAsyncDisposable
{
    private readonly LocalClusterOptions _options;

    /// <summary>Makes one; nothing is touched before <see cref="StartAsync(CancellationToken)"/>.</summary>
    public LocalCluster(LocalClusterOptions options) => _options = options;

    /// <inheritdoc/>
    public string Name => _options.Name;

    /// <inheritdoc/>
    public string Address => _options.Address;

    /// <inheritdoc/>
    public IReadOnlyList<string> Apps => throw new NotSupportedException();

    /// <summary>Finds the keepers that are still there, and restarts the apps whose desired state is running and that may run; no others.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Stops every app and every keeper; what each app should do is kept for the next start.</summary>
    public Task ShutDownAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Leaves the keepers and their apps as they are.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public string AppDirectory(string app) => Path.Combine(_options.StateDirectory, "apps", app);

    /// <inheritdoc/>
    public string VolumePath(string app, string volume) => Path.Combine(AppDirectory(app), "volumes", volume);

    /// <inheritdoc/>
    public Task<ClusterApp?> FindAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public Task InstallAsync(AppDefinition definition, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public Task RemoveAsync(string app, bool deleteVolumes, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public AppWriterState ReadWriterState(string app) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void WriteWriterState(string app, AppWriterState state) => throw new NotSupportedException();

    /// <inheritdoc/>
    public Task StartAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public Task QuiesceAsync(string app, QuiesceMode mode, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public Task UnquiesceAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public Task KillAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public Task<SilenceProof> ProveSilentAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public Task<ImmutableArray<string>> FindSharedWritableMappingsAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public Task WaitReadyAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public Task<string?> RunHookAsync(string app, AppHook hook, CancellationToken cancellationToken) => throw new NotSupportedException();
}
