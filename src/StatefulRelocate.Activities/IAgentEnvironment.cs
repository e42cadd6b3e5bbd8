using StatefulRelocate.Clusters;
using StatefulRelocate.Dns;
using StatefulRelocate.Snapshots;

namespace StatefulRelocate.Activities;

/// <summary>What an agent gives its activities: one cluster, and by name the repositories and DNS servers of its own configuration.</summary>
public interface IAgentEnvironment
{
    /// <summary>The cluster beside which the agent runs.</summary>
    ICluster Cluster { get; }

    /// <summary>The clock for reports and retention. No safety decision reads it.</summary>
    TimeProvider Time { get; }

    /// <summary>
    /// Opens a repository by its configured name; opened ones are kept, with their keys. An unknown name or a wrong key throws
    /// <see cref="Core.Errors.RelocateException"/>, an unreachable store <see cref="Snapshots.Storage.ObjectStoreException"/>.
    /// </summary>
    Task<Repository> OpenRepositoryAsync(string name, CancellationToken cancellationToken);

    /// <summary>The driver of a DNS server by its configured name. An unknown name throws <see cref="Core.Errors.RelocateException"/>.</summary>
    IDnsDriver OpenDns(string server);

    /// <summary>Writes a line for the operator into the agent's log; nothing secret.</summary>
    void Log(string line);
}
