namespace StatefulRelocate.Core.Plans;

/// <summary>The names of the task queues that agents poll, for engines that have queues.</summary>
public static class TaskQueues
{
    /// <summary>The queue that every agent of a cluster polls; null for no cluster.</summary>
    public static string? Of(string? cluster) => cluster is null ? null : $"relocate-agent-{cluster}";

    /// <summary>The queue that the agents of one node poll.</summary>
    public static string Of(string cluster, string node) => $"{Of(cluster)}-{node}";
}
