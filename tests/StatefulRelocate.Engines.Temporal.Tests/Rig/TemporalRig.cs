using System.Collections.Concurrent;
using System.Collections.Immutable;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.Engines.Temporal.Workers;
using StatefulRelocate.Engines.Tests.Rig;
using Temporalio.Client;
using Temporalio.Worker;

namespace StatefulRelocate.Engines.Temporal.Tests.Rig;

/// <summary>Real workers of both kinds against a real server, over two scripted agents; its queues are its own, so that rigs do not meet.</summary>
internal sealed class TemporalRig : IAsyncDisposable
{
    private static int s_rigs;

    private readonly TemporaryDirectory _directory = new();
    private readonly List<(CancellationTokenSource Stop, Task Run)> _workers = [];
    private readonly string _suffix = $"{Environment.ProcessId}-{Interlocked.Increment(ref s_rigs)}";
    private readonly List<IDisposable> _owned = [];

    public TemporalRig(ITemporalClient client, bool start = true)
    {
        Client = client;
        A = new ScriptedAgent(_directory.File("a"), Effects);
        B = new ScriptedAgent(_directory.File("b"), Effects);
        foreach (var agent in (ScriptedAgent[])[A, B])
            agent.Deeds["take-over-source"] = agent.Deeds["take-over-target"] = static (_, _) =>
                Task.FromResult(new StepOutput { Epoch = 8, TakenOver = new TakenOver { Held = true, Writer = "a", Phase = Core.Leases.RelocationPhase.Taken } });
        if (!start)
            return;
        StartServer();
        StartAgents();
    }

    public ITemporalClient Client { get; }

    /// <summary>The effects that began on both agents, in order.</summary>
    public ConcurrentQueue<ActivityRequest> Effects { get; } = [];

    public ScriptedAgent A { get; }

    public ScriptedAgent B { get; }

    public string Queue => $"server-{_suffix}";

    /// <summary>The scripted agent whose cluster does the step.</summary>
    public ScriptedAgent Of(RelocationPlan plan, string step) =>
        plan.Steps.Single(each => step.EndsWith(each.Id, StringComparison.Ordinal) || each.Fused.Contains(step)).Cluster == "a" ? A : B;

    /// <summary>With this rig's queues and id.</summary>
    public RelocationPlan Mine(RelocationPlan plan) => plan with
    {
        RelocationId = $"{plan.RelocationId}-{_suffix}",
        Steps = [.. plan.Steps.Select(step => step with { TaskQueue = step.Cluster is null ? null : $"agent-{step.Cluster}-{_suffix}" })],
    };

    public Func<Task> StartServer(ServerWorkerOptions? options = null) =>
        Run(RelocationWorkers.ForServer(Client, (options ?? new ServerWorkerOptions()) with { TaskQueue = Queue, WatchesWorkflows = true, Drain = TimeSpan.FromMilliseconds(100) }));

    public void StartAgents()
    {
        foreach (var (name, agent) in new[] { ("a", A), ("b", B) })
            StartAgent(name, agent);
    }

    public Func<Task> StartAgent(string name, ScriptedAgent agent)
    {
        var stops = RelocationWorkers.ForAgent(
            Client,
            token => AgentClient.ConnectAsync(agent.Socket, token),
            new AgentWorkerOptions { Cluster = name, Node = _suffix, Queue = $"agent-{name}-{_suffix}", Drain = TimeSpan.FromMilliseconds(100) }).Select(Run).ToList();
        return () => Task.WhenAll(stops.Select(static stop => stop()));
    }

    public async Task<WorkflowHandle> StartAsync(RelocationInput input) => await Client.StartWorkflowAsync(
        TemporalNames.Workflow, [input], new WorkflowOptions(input.Plan!.RelocationId, Queue));

    public async Task<ImmutableArray<SagaEvent>> EventsAsync(WorkflowHandle handle)
    {
        var events = ImmutableArray.CreateBuilder<SagaEvent>();
        while (true)
        {
            var page = await handle.QueryAsync<EventPage>(TemporalNames.EventsQuery, [(long)events.Count]);
            events.AddRange(page.Events);
            if (events.Count >= page.Total)
                return events.ToImmutable();
        }
    }

    public async Task<SagaState> StateAsync(WorkflowHandle handle, RelocationPlan plan) =>
        (await EventsAsync(handle)).Aggregate(SagaMachine.Start(plan), SagaMachine.Evolve);

    public async ValueTask DisposeAsync()
    {
        foreach (var (stop, run) in _workers)
        {
            await stop.CancelAsync();
            await run.ContinueWith(static _ => { }, TaskScheduler.Default);
            stop.Dispose();
        }

        foreach (var owned in _owned)
            owned.Dispose();
        await A.DisposeAsync();
        await B.DisposeAsync();
        _directory.Dispose();
    }

    private Func<Task> Run(TemporalWorker worker)
    {
        _owned.Add(worker);
        var stop = new CancellationTokenSource();
        var run = Task.Run(() => worker.ExecuteAsync(stop.Token));
        _workers.Add((stop, run));
        return async () =>
        {
            await stop.CancelAsync();
            await run.ContinueWith(static _ => { }, TaskScheduler.Default);
        };
    }
}
