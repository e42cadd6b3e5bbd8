using StatefulRelocate.Activities.Streams;
using Temporalio.Client;
using Temporalio.Worker;

namespace StatefulRelocate.Engines.Temporal.Workers;

/// <summary>Makes the Temporal workers that the programs host. A worker is run with <c>ExecuteAsync(cancellationToken)</c>, and drains when that is cancelled.</summary>
public static class RelocationWorkers
{
    /// <summary>The workflow worker.</summary>
    public static TemporalWorker ForServer(ITemporalClient client, ServerWorkerOptions options) => throw new NotSupportedException("not there yet");

    /// <summary>The activity workers of one cluster: one for its queue, one for its node's.</summary>
    /// <param name="client">The client.</param>
    /// <param name="connect">Connects to the process that holds the cluster's apps; throws <see cref="AgentUnreachableException"/>.</param>
    /// <param name="options">How they work.</param>
    public static IReadOnlyList<TemporalWorker> ForAgent(ITemporalClient client, Func<CancellationToken, Task<AgentClient>> connect, AgentWorkerOptions options) =>
        throw new NotSupportedException("not there yet");
}
