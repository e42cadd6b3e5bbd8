using System.Collections.Concurrent;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Engines.Temporal.Workers;
using Temporalio.Activities;
using Temporalio.Client;
using Temporalio.Worker;

namespace StatefulRelocate.Engines.Temporal.Client.Tests.Relocations;

/// <summary>The real workflow worker, and agents whose activities do what the test says; all of them end with the test.</summary>
internal sealed class Workers(ITemporalClient client) : IAsyncDisposable
{
    private static int s_relocations;
    private readonly List<(TemporalWorker Worker, CancellationTokenSource Stop, Task Run)> _workers = [];

    /// <summary>What a step does; one that is not here waits until it is cancelled.</summary>
    public ConcurrentDictionary<string, Func<ActivityRequest, Task<StepOutput>>> Deeds { get; } = new();

    /// <summary>A plan between two clusters of its own, so that tests do not meet on their queues.</summary>
    public static RelocationPlan NewPlan(string app = "shop")
    {
        var number = $"{Environment.ProcessId}-{Interlocked.Increment(ref s_relocations)}";
        return Planner.Plan(new RelocationSpec
        {
            App = app,
            Source = $"a-{number}",
            Target = $"b-{number}",
            Repository = "main",
            Dns = new DnsSpec { Server = "local", Zone = "edge.test", Name = app },
        }, $"{app}-{number}", fused: true);
    }

    public Workers Server()
    {
        Run(RelocationWorkers.ForServer(client, new ServerWorkerOptions { Drain = TimeSpan.FromMilliseconds(100) }));
        return this;
    }

    public Workers Agents(RelocationPlan plan)
    {
        Agent(plan.Spec.Source);
        Agent(plan.Spec.Target);
        return this;
    }

    public void Agent(string cluster)
    {
        var options = new TemporalWorkerOptions(TaskQueues.Of(cluster)!) { GracefulShutdownTimeout = TimeSpan.FromMilliseconds(100), DefaultHeartbeatThrottleInterval = TimeSpan.FromMilliseconds(100), MaxHeartbeatThrottleInterval = TimeSpan.FromMilliseconds(100) };
        foreach (var kind in StepKind.All.Where(static kind => kind != StepKind.Gate).Append(StepKind.TakeOver))
            options.AddActivity(ActivityDefinition.Create(kind, typeof(Task<StepOutput>), [typeof(ActivityRequest)], 1, arguments => DoAsync((ActivityRequest)arguments[0]!)));
        Run(new TemporalWorker(client, options));
    }

    /// <summary>Ends all of them, in order.</summary>
    public async Task StopAsync()
    {
        foreach (var (worker, stop, run) in _workers)
        {
            await stop.CancelAsync();
            await run.ContinueWith(static _ => { }, TaskScheduler.Default);
            worker.Dispose();
            stop.Dispose();
        }

        _workers.Clear();
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task<StepOutput> DoAsync(ActivityRequest request)
    {
        if (Deeds.TryGetValue(request.Step, out var deed))
            return await deed(request);
        var context = ActivityExecutionContext.Current;
        while (true)
        {
            context.Heartbeat(new ActivityProgress { BytesDone = 7, BytesTotal = 9, Doing = "waiting" });
            await Task.Delay(50, context.CancellationToken);
        }
    }

    private void Run(TemporalWorker worker)
    {
        var stop = new CancellationTokenSource();
        _workers.Add((worker, stop, worker.ExecuteAsync(stop.Token)));
    }
}
