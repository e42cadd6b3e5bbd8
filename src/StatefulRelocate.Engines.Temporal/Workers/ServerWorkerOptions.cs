namespace StatefulRelocate.Engines.Temporal.Workers;

/// <summary>How the workflow worker of <c>relocate-server</c> works.</summary>
public sealed record ServerWorkerOptions
{
    /// <summary>The task queue. Default: <see cref="Client.Contract.TemporalNames.ServerTaskQueue"/>.</summary>
    public string TaskQueue { get; init; } = Client.Contract.TemporalNames.ServerTaskQueue;

    /// <summary>Workflows kept in memory between two tasks; the rest is replayed when it wakes. Default: 250.</summary>
    public int MaximumCachedWorkflows { get; init; } = 250;

    /// <summary>How long running workflow tasks may take to end when the worker stops. Default: 5 s.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(5);
}
