using System.Net;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Agent.Measuring;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Engines.Temporal.Client.Connecting;
using StatefulRelocate.Engines.Temporal.Workers;
using StatefulRelocate.Hosting;
using StatefulRelocate.Hosting.Metrics;
using StatefulRelocate.Hosting.Presences;

namespace StatefulRelocate.Agent;

/// <summary>What <c>relocate-agent</c> does: takes activities from Temporal to the process that holds the cluster.</summary>
internal static class AgentProgram
{
    public const string Name = "relocate-agent";

    public static async Task<int> RunAsync(ClusterEntry cluster, AgentWorkerOptions worker, IPEndPoint? listen, bool verbose)
    {
        var metrics = new MetricRegistry();
        await WorkerHost.RunAsync(
            new WorkerHostOptions
            {
                Program = Name,
                Doing = $"working for cluster '{cluster.Name}', node '{worker.Node}'",
                Needs = [PresenceOf(cluster)],
                Workers = client => RelocationWorkers.ForAgent(client, cancellationToken => AgentClient.ConnectAsync(cluster.Socket, cancellationToken), worker),
                Interceptors = [new ActivityMeter(metrics)],
                Listen = listen,
                Metrics = metrics,
                Verbose = verbose,
            },
            ConnectionSettings.Load()).ConfigureAwait(false);
        return ExitCode.Completed;
    }

    private static Presence PresenceOf(ClusterEntry cluster) => new($"cluster '{cluster.Name}'", async cancellationToken =>
    {
        try
        {
            var agent = await AgentClient.ConnectAsync(cluster.Socket, cancellationToken).ConfigureAwait(false);
            await agent.DisposeAsync().ConfigureAwait(false);
            return null;
        }
        catch (AgentUnreachableException)
        {
            return $"cluster '{cluster.Name}' is not up; start it with 'relocate cluster up {cluster.Name}'";
        }
    });
}
