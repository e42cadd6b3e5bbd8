namespace StatefulRelocate.Engines.Temporal.Workers;

/// <summary>How the workflow worker of <c>relocate-server</c> works.</summary>
public sealed record ServerWorkerOptions
{
    /// <summary>The task queue. Default: <see cref="Client.Contract.TemporalNames.ServerTaskQueue"/>.</summary>
    public string TaskQueue { get; init; } = Client.Contract.TemporalNames.ServerTaskQueue;

    /// <summary>Workflows kept in memory between two tasks; the rest is replayed when it wakes. Default: 250.</summary>
    public int MaximumCachedWorkflows { get; init; } = 250;

    /// <summary>
    /// Whether the SDK listens to every task of the process, to find workflow code that leaves its scheduler. It costs a quarter of the worker's CPU (5.8 CPU seconds
    /// instead of 4.4 for 1000 steps at 50 relocations at once), so our one workflow is watched in its tests. Default: no.
    /// </summary>
    public bool WatchesWorkflows { get; init; }

    /// <summary>How long running workflow tasks may take to end when the worker stops. Default: 5 s.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(5);
}
