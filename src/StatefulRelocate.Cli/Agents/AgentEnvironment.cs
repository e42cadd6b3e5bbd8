using System.Collections.Concurrent;
using StatefulRelocate.Activities;
using StatefulRelocate.Cli.Clusters;
using StatefulRelocate.Cli.Repositories;
using StatefulRelocate.Clusters;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Dns;
using StatefulRelocate.Snapshots;

namespace StatefulRelocate.Cli.Agents;

/// <summary>What the agent of a local cluster gives its activities; everything by name, from this agent's own configuration, and kept warm.</summary>
internal sealed class AgentEnvironment : IAgentEnvironment
{
    private readonly Func<RelocateConfig> _config;
    private readonly string _stateDirectory;
    private readonly ConcurrentDictionary<string, Lazy<Task<Repository>>> _repositories = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, IDnsDriver> _dns = new(StringComparer.Ordinal);

    /// <param name="cluster">The cluster.</param>
    /// <param name="config">Reads the configuration again: what was added since the cluster came up counts.</param>
    /// <param name="stateDirectory">The state directory of this program.</param>
    /// <param name="time">The clock.</param>
    public AgentEnvironment(ICluster cluster, Func<RelocateConfig> config, string stateDirectory, TimeProvider time) =>
        (Cluster, _config, _stateDirectory, Time) = (cluster, config, stateDirectory, time);

    public ICluster Cluster { get; }

    public TimeProvider Time { get; }

    public void Log(string line) => ClusterProcess.Log(line);

    public async Task<Repository> OpenRepositoryAsync(string name, CancellationToken cancellationToken)
    {
        var opening = _repositories.GetOrAdd(name, key => new Lazy<Task<Repository>>(() => Task.Run(() => OpenAsync(key))));
        try
        {
            return await opening.Value.WaitAsync(cancellationToken);
        }
        catch when (opening.Value.IsFaulted)
        {
            // The next one tries again: the store may be there by then.
            _repositories.TryRemove(KeyValuePair.Create(name, opening));
            throw;
        }
    }

    public IDnsDriver OpenDns(string server) => _dns.GetOrAdd(server, name =>
    {
        var config = _config();
        if (!config.DnsServers.TryGetValue(name, out var entry))
            throw new RelocateException($"cluster '{Cluster.Name}': DNS server '{name}' is not in its configuration ({config.Path}); declare it under 'dns'");
        var directory = entry.State ?? Path.Combine(_stateDirectory, "dns", name);
        return new EmbeddedDnsDriver(Path.Combine(directory, EmbeddedDnsOptions.ControlSocketName), System.Net.IPEndPoint.Parse(entry.Listen), Time);
    });

    private async Task<Repository> OpenAsync(string name)
    {
        var config = _config();
        if (!config.Repositories.TryGetValue(name, out var repository))
            throw new RelocateException($"cluster '{Cluster.Name}': repository '{name}' is not in its configuration ({config.Path}); declare it under 'repositories'");
        return await ConfiguredRepository.OpenAsync(name, repository, CancellationToken.None);
    }
}
