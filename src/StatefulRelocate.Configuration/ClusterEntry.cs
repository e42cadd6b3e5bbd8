using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Configuration;

/// <summary>A cluster of the configuration, and where its state and its agent are.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Config">What the configuration says of it.</param>
/// <param name="StateDirectory">Its state directory, absolute.</param>
public sealed record ClusterEntry(string Name, ClusterConfig Config, string StateDirectory)
{
    /// <summary>The agent's socket.</summary>
    public string Socket => Path.Combine(StateDirectory, "agent.sock");

    /// <summary>What the cluster process says.</summary>
    public string LogFile => Path.Combine(StateDirectory, "cluster.log");

    /// <summary>The file that one cluster process holds locked.</summary>
    public string LockFile => Path.Combine(StateDirectory, "agent.lock");

    /// <summary>All of them, in the order of their names.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="stateDirectory">The state directory of the program; a cluster's own lies below it unless it is declared.</param>
    public static IReadOnlyList<ClusterEntry> All(RelocateConfig config, string stateDirectory)
    {
        ArgumentNullException.ThrowIfNull(config);
        return [.. config.Clusters.Select(each => new ClusterEntry(each.Key, each.Value, each.Value.State ?? Path.Combine(stateDirectory, "clusters", each.Key)))];
    }

    /// <summary>The one that is named.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="stateDirectory">The state directory of the program.</param>
    /// <param name="path">The configuration's path, for the message.</param>
    /// <param name="name">The cluster.</param>
    /// <exception cref="RelocateException">It is not declared.</exception>
    public static ClusterEntry One(RelocateConfig config, string stateDirectory, string path, string name)
    {
        var all = All(config, stateDirectory);
        foreach (var entry in all)
            if (entry.Name == name)
                return entry;
        throw new RelocateException(all.Count == 0
            ? $"{path}: no cluster is declared; add 'clusters: {{{name}: {{type: local, address: 127.0.0.11}}}}'"
            : $"{path}: cluster '{name}' is not declared; there are: {string.Join(", ", all.Select(entry => entry.Name))}");
    }
}
