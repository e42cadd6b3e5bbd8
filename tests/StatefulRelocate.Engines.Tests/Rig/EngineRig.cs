using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Engines.Tests.Rig;

/// <summary>An engine over a real journal and scripted agents.</summary>
internal sealed class EngineRig : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly List<(CancellationTokenSource Stop, Task Run)> _engines = [];

    public EngineRig() => Journal = RelocationJournal.Open(JournalPath);

    public string JournalPath => _directory.File("journal/relocations.db");

    public RelocationJournal Journal { get; }

    public ScriptedDispatcher Agents { get; } = new();

    public EmbeddedEngineOptions Options { get; set; } = new() { ReconnectInterval = TimeSpan.FromMilliseconds(2) };

    /// <summary>The journal, folded.</summary>
    public SagaState State(string id = "shop-a-b-1") =>
        Journal.Read(id).Aggregate(SagaMachine.Start(Journal.Find(id)!.Plan), (state, journaled) => SagaMachine.Evolve(state, journaled.Event));

    public ImmutableArray<SagaEvent> Events(string id = "shop-a-b-1") => [.. Journal.Read(id).Select(journaled => journaled.Event)];

    /// <summary>Runs a relocation until it has ended or needs a person.</summary>
    public async Task<SagaState> RunAsync(RelocationPlan? plan = null)
    {
        if (plan is not null)
            Journal.Create(plan);
        var id = plan?.RelocationId ?? "shop-a-b-1";
        using var limit = new CancellationTokenSource(Poll.Limit);
        await new EmbeddedEngine(Journal, Agents, Options).RunUntilSettledAsync(id, limit.Token);
        return State(id);
    }

    /// <summary>Starts an engine that goes on until the returned action stops it: in the middle of whatever it does, as far as the journal knows.</summary>
    /// <param name="dispatcher">How it reaches agents. Default: <see cref="Agents"/>.</param>
    public Func<Task> Start(IActivityDispatcher? dispatcher = null)
    {
        var stop = new CancellationTokenSource();
        var run = Task.Run(() => new EmbeddedEngine(Journal, dispatcher ?? Agents, Options).RunAsync(stop.Token), CancellationToken.None);
        _engines.Add((stop, run));
        return async () =>
        {
            await stop.CancelAsync();
            await run.ContinueWith(_ => { }, TaskScheduler.Default).Soon();
        };
    }

    public Task DispatchedAsync(string name, int times = 1) =>
        Poll.UntilAsync(() => Agents.AttemptsOf(name).Length >= times, $"{name} is dispatched for the {times}. time; so far: {string.Join(", ", Agents.Requests.Names())}");

    public Task EndedAsync(string id = "shop-a-b-1") => Poll.UntilAsync(() => Journal.Find(id)!.Ended, $"{id} ends");

    public static StepFailure Broken(bool retryable = true, bool certain = false) => new() { Code = "broken", Message = "the disk is full", Retryable = retryable, CertainlyNoEffect = certain };

    public async ValueTask DisposeAsync()
    {
        foreach (var (stop, run) in _engines)
        {
            await stop.CancelAsync();
            await run.ContinueWith(_ => { }, TaskScheduler.Default);
            stop.Dispose();
        }

        Journal.Dispose();
        _directory.Dispose();
    }
}
