using System.Collections.Concurrent;
using System.Diagnostics;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.Engines.Temporal.Client.Payloads;
using StatefulRelocate.Engines.Temporal.Workers;
using StatefulRelocate.TestSupport.Servers;
using Temporalio.Client;

namespace StatefulRelocate.Benchmarks.Temporal.Workloads;

/// <summary>
/// Our engine on Temporal in this process: the workflow worker, the agent's activity workers, the agent behind its socket, and the client, as the Go SDK's
/// program has all of them in its own.
/// </summary>
internal static class TemporalWorkload
{
    public static async Task<IReadOnlyList<PhaseFigures>> RunAsync(string address, Load load, bool recorded)
    {
        var tasks = new ConcurrentQueue<double>();
        var tap = new TemporalMetricTap((metric, value) =>
        {
            if (metric == "temporal_workflow_task_execution_latency")
                tasks.Enqueue(value);
        });
        var client = await TemporalClient.ConnectAsync(new TemporalClientConnectOptions(address)
        {
            Namespace = TemporalServer.Namespace,
            DataConverter = RelocationPayloads.Converter(),
            Runtime = tap.ToRuntime(),
        });
        await using var agent = new NoOpAgent();
        using var stopping = new CancellationTokenSource();
        using var server = RelocationWorkers.ForServer(client, new ServerWorkerOptions());
        var agents = RelocationWorkers.ForAgent(client, agent.ConnectAsync, new AgentWorkerOptions { Cluster = NoOpPlan.Cluster });
        var running = agents.Append(server).Select(worker => worker.ExecuteAsync(stopping.Token)).ToList();
        var figures = new List<PhaseFigures>();
        foreach (var (number, phase) in load.Phases.Index())
        {
            tasks.Clear();
            var cpu = Environment.CpuUsage.TotalTime;
            var began = Stopwatch.GetTimestamp();
            var workflows = await RunAsync(client, phase, index => new RelocationInput { Plan = NoOpPlan.Of($"bench-{number}-{index}", load.Steps, NoOpPlan.Kind(recorded)) });
            figures.Add(PhaseFigures.Of(phase, load.Steps, Stopwatch.GetElapsedTime(began), workflows) with
            {
                CpuSeconds = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds,
                TaskMean = tasks.Average(),
            });
        }

        await stopping.CancelAsync();
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var worker in agents)
            worker.Dispose();
        return figures;
    }

    private static async Task<IReadOnlyCollection<TimeSpan>> RunAsync(TemporalClient client, Phase phase, Func<int, RelocationInput> inputOf)
    {
        var lengths = new ConcurrentBag<TimeSpan>();
        await Parallel.ForEachAsync(Enumerable.Range(0, phase.Workflows), new ParallelOptions { MaxDegreeOfParallelism = phase.AtOnce }, async (index, _) =>
        {
            var input = inputOf(index);
            var began = Stopwatch.GetTimestamp();
            var handle = await client.StartWorkflowAsync(TemporalNames.Workflow, [input], new WorkflowOptions(input.Plan!.RelocationId, TemporalNames.ServerTaskQueue));
            await handle.GetResultAsync();
            lengths.Add(Stopwatch.GetElapsedTime(began));
        });
        return lengths;
    }
}
