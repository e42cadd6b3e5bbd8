using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Cli.Running;

/// <summary>What can be seen to be wrong before anything is touched, whatever engine runs it.</summary>
internal static class Preconditions
{
    /// <summary>The DNS server is declared, the repository is there.</summary>
    /// <exception cref="RelocateException">The first thing that is wrong.</exception>
    public static async Task CheckAsync(RelocationSpec spec, RelocateConfig config, string configPath, CancellationToken cancellationToken)
    {
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
    }
}
