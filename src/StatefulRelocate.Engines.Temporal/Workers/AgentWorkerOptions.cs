namespace StatefulRelocate.Engines.Temporal.Workers;

/// <summary>How the activity workers of <c>relocate-agent</c> work.</summary>
public sealed record AgentWorkerOptions
{
    /// <summary>The cluster whose queue is polled.</summary>
    public required string Cluster { get; init; }

    /// <summary>The queue that every agent of the cluster polls. Default: that of the plans.</summary>
    public string? Queue { get; init; }

    /// <summary>The node whose queue is polled too. Default: the host's name.</summary>
    public string Node { get; init; } = Environment.MachineName;

    /// <summary>Live snapshots at once, and as many live restores; they use disk, network and memory. What belongs to a cutover never waits. Default: 4.</summary>
    public int MaximumConcurrentTransfers { get; init; } = 4;

    /// <summary>All activities at once, those included that wait for their turn: it bounds memory and must never be what a cutover waits for. Default: 2000.</summary>
    public int MaximumConcurrentActivities { get; init; } = 2000;

    /// <summary>How long running activities may take to end when the worker stops; then they are cancelled and tried again elsewhere. Default: 10 s.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(10);
}
