using StatefulRelocate.Cli.Clusters;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Cli.Running;

/// <summary>What can be seen to be wrong before anything is touched.</summary>
internal static class Preconditions
{
    /// <summary>No relocation of the app is open, both clusters are up, the repository is there, the DNS server is declared.</summary>
    /// <exception cref="RelocateException">The first thing that is wrong.</exception>
    public static async Task CheckAsync(RelocationSpec spec, RelocateConfig config, string configPath, JournalLocation location, CancellationToken cancellationToken)
    {
        if (config.Engine != "embedded")
            throw new RelocateException($"{configPath}: engine '{config.Engine}' is not known; there is: embedded");
        // A courtesy: what two runs at once may do to each other is settled by the writer record.
        if (location.FindOpen().FirstOrDefault(each => each.Plan.Spec.App == spec.App) is { } open)
            throw new RelocateException($"app '{spec.App}' is being moved by relocation {open.Id}; see 'relocate status {open.Id}', then wait for it, or 'relocate abort {open.Id}'");
        var source = ClusterEntry.One(config, location.StateDirectory, configPath, spec.Source);
        var target = ClusterEntry.One(config, location.StateDirectory, configPath, spec.Target);
        if (!config.DnsServers.ContainsKey(spec.Dns.Server))
            throw new RelocateException($"{configPath}: DNS server '{spec.Dns.Server}' is not declared under 'dns'");
        if (!config.Repositories.TryGetValue(spec.Repository, out var repository))
            throw new RelocateException($"{configPath}: repository '{spec.Repository}' is not declared; there are: {(config.Repositories.IsEmpty ? "none" : string.Join(", ", config.Repositories.Keys))}");
        try
        {
            if (await ObjectStoreUrl.Open(repository.Url).HeadAsync("config", cancellationToken) is null)
                throw new RelocateException($"repository '{spec.Repository}': {repository.Url} holds no repository; make one with 'relocate repo init --repo {repository.Url}'");
        }
        catch (ObjectStoreException error)
        {
            throw new RelocateException($"repository '{spec.Repository}': {error.Message}", inner: error);
        }

        foreach (var cluster in (ClusterEntry[])[source, target])
            if (!await cluster.IsUpAsync(cancellationToken))
                throw new RelocateException($"cluster '{cluster.Name}' is not up; start it with 'relocate cluster up {cluster.Name}'");
    }
}
