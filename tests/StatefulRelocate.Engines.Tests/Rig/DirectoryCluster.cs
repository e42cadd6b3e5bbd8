using System.Collections.Immutable;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Engines.Tests.Rig;

/// <summary>A cluster that is nothing but directories: all that the order of effects needs.</summary>
internal sealed class DirectoryCluster(string directory) : ICluster
{
    public string Name => "a";

    public string Address => "127.0.0.1";

    public IReadOnlyList<string> Apps => [];

    public string AppDirectory(string app) => Path.Combine(directory, "apps", app);

    public string VolumePath(string app, string volume) => throw new NotSupportedException();

    public Task<ClusterApp?> FindAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task InstallAsync(AppDefinition definition, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RemoveAsync(string app, bool deleteVolumes, CancellationToken cancellationToken) => throw new NotSupportedException();

    public AppWriterState ReadWriterState(string app) => new();

    public void WriteWriterState(string app, AppWriterState state) => throw new NotSupportedException();

    public Task StartAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task QuiesceAsync(string app, QuiesceMode mode, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task UnquiesceAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task KillAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<SilenceProof> ProveSilentAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<ImmutableArray<string>> FindSharedWritableMappingsAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task WaitReadyAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<string?> RunHookAsync(string app, AppHook hook, CancellationToken cancellationToken) => throw new NotSupportedException();
}
