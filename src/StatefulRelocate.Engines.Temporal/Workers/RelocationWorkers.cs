using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Engines.Temporal.Relay;
using StatefulRelocate.Engines.Temporal.Workflows;
using Temporalio.Client;
using Temporalio.Worker;

namespace StatefulRelocate.Engines.Temporal.Workers;

/// <summary>Makes the Temporal workers that the programs host. A worker is run with <c>ExecuteAsync(cancellationToken)</c>, and drains when that is cancelled.</summary>
public static class RelocationWorkers
{
    /// <summary>Heartbeats are passed on at least that often, so that a cancellation is heard of within a second.</summary>
    private static readonly TimeSpan HeartbeatThrottle = TimeSpan.FromMilliseconds(500);

    /// <summary>A server that was killed keeps a decision for so long; then another one takes it.</summary>
    private static readonly TimeSpan StickyTimeout = TimeSpan.FromSeconds(1);

    /// <summary>The workflow worker.</summary>
    /// <param name="client">The client; its data converter is that of all clients and workers.</param>
    /// <param name="options">How it works.</param>
    public static TemporalWorker ForServer(ITemporalClient client, ServerWorkerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new TemporalWorker(client, new TemporalWorkerOptions(options.TaskQueue)
        {
            MaxCachedWorkflows = options.MaximumCachedWorkflows,
            StickyQueueScheduleToStartTimeout = StickyTimeout,
            GracefulShutdownTimeout = options.Drain,
            DisableWorkflowTracingEventListener = !options.WatchesWorkflows,
        }.AddWorkflow<RelocationWorkflow>());
    }

    /// <summary>The activity workers of one cluster: one for its queue, one for its node's.</summary>
    /// <param name="client">The client.</param>
    /// <param name="connect">Connects to the process that holds the cluster's apps; throws <see cref="AgentUnreachableException"/>.</param>
    /// <param name="options">How they work.</param>
    public static IReadOnlyList<TemporalWorker> ForAgent(ITemporalClient client, Func<CancellationToken, Task<AgentClient>> connect, AgentWorkerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var activities = new RelayedActivity(
            new AgentLine(connect), new SemaphoreSlim(options.MaximumConcurrentTransfers), new SemaphoreSlim(options.MaximumConcurrentTransfers)).Definitions().ToList();
        string[] queues = [options.Queue ?? TaskQueues.Of(options.Cluster)!, TaskQueues.Of(options.Cluster, options.Node)];
        return [.. queues.Select(queue =>
        {
            var worker = new TemporalWorkerOptions(queue)
            {
                MaxConcurrentActivities = options.MaximumConcurrentActivities,
                MaxHeartbeatThrottleInterval = HeartbeatThrottle,
                DefaultHeartbeatThrottleInterval = HeartbeatThrottle,
                GracefulShutdownTimeout = options.Drain,
            };
            foreach (var activity in activities)
                worker.AddActivity(activity);
            return new TemporalWorker(client, worker);
        })];
    }
}
