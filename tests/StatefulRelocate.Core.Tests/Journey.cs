using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Core.Tests.Exploration;

namespace StatefulRelocate.Core.Tests;

/// <summary>A relocation driven by hand: the test says what happens, the journal and the commands are looked at.</summary>
internal sealed class Journey
{
    private readonly List<SagaEvent> _journal = [];
    private readonly Dictionary<int, TimeSpan> _rounds = [];

    public Journey(CutoverSpec? cutover = null, bool fused = false)
    {
        Plan = Planner.Plan(Specs.With(cutover ?? new CutoverSpec()), "images-edge-a-edge-b-1", fused);
        State = SagaMachine.Start(Plan);
        Decide();
    }

    public RelocationPlan Plan { get; }

    public SagaState State { get; private set; }

    public DateTimeOffset Now { get; set; } = new(2026, 11, 23, 0, 0, 0, TimeSpan.Zero);

    public IReadOnlyList<SagaEvent> Journal => _journal;

    public List<SagaCommand> Commands { get; } = [];

    /// <summary>What a take-over finds: the writer record, and the highest sequence number that an agent remembers.</summary>
    public TakenOver Found { get; set; } = new() { Held = true, Writer = "edge-a", Phase = RelocationPhase.Taken, Sequence = 40 };

    /// <summary>How much a round says it shipped; 1000 bytes where nothing is set.</summary>
    public Dictionary<int, long> Shipped { get; } = [];

    /// <summary>What runs now, in the order of its dispatch; undos with "undo ".</summary>
    public ImmutableArray<string> Running => [.. SagaMachine.InFlight(State).Select(Name)];

    public ActivityRequest Request(string step) => Commands.OfType<RunStep>().Last(run => Name(run.Request) == step).Request;

    /// <summary>How long rounds would have taken by changed ranges.</summary>
    public Dictionary<int, TimeSpan> ByRanges { get; } = [];

    public Journey RoundTakes(int round, TimeSpan duration)
    {
        _rounds[round] = duration;
        return this;
    }

    public void Happens(SagaEvent happened)
    {
        Fold(happened);
        Decide();
    }

    public SignalAnswer Signal(Signal signal)
    {
        var id = $"signal-{State.Signals.Length + 1}";
        Happens(new SignalReceived(id, signal) { At = Now });
        return State.Answer(id)!;
    }

    public void Completes(string step)
    {
        var request = InFlight(step);
        Happens(new StepCompleted(request.Step, request.Direction, request.Sequence, Output(request)) { At = Now });
    }

    public void Fails(string step, bool retryable = true, bool certainlyNoEffect = false, string code = "broken")
    {
        var request = InFlight(step);
        var failure = new StepFailure { Code = code, Message = "the disk is full", Retryable = retryable, CertainlyNoEffect = certainlyNoEffect };
        Happens(new StepFailed(request.Step, request.Direction, request.Sequence, failure) { At = Now });
    }

    public void Lapses(string step)
    {
        var request = InFlight(step);
        Happens(new StepLapsed(request.Step, request.Direction, request.Sequence, new StepFailure { Code = FailureCode.Timeout, Message = "no answer" }) { At = Now });
    }

    public void TimersFire()
    {
        foreach (var timer in State.Timers.Where(timer => !timer.Fired && timer.Name.StartsWith("retry:", StringComparison.Ordinal)))
            Happens(new TimerFired(timer.Name) { At = Now });
    }

    /// <summary>Everything that runs completes, step after step, until one of the given steps runs or nothing does.</summary>
    public Journey GoesOnUntil(params string[] steps)
    {
        while (Running is { Length: > 0 } running && !running.Any(steps.Contains))
            Completes(running[0]);
        return this;
    }

    public Journey GoesOnToTheEnd() => GoesOnUntil();

    private static string Name(ActivityRequest request) => request.Direction == StepDirection.Undo ? $"undo {request.Step}" : request.Step;

    private ActivityRequest InFlight(string step) => SagaMachine.InFlight(State).Single(request => Name(request) == step);

    private void Decide()
    {
        while (SagaMachine.Decide(State) is { Length: > 0 } commands)
            foreach (var command in commands)
            {
                Commands.Add(command);
                Fold(SagaMachine.Record(State, command, Now));
            }
    }

    private void Fold(SagaEvent happened)
    {
        _journal.Add(happened);
        State = SagaMachine.Evolve(State, happened);
    }

    private StepOutput Output(ActivityRequest request) => request.Kind switch
    {
        StepKind.Lease when request.Direction == StepDirection.Do => new StepOutput { Epoch = 7 },
        StepKind.TakeOver => new StepOutput { Epoch = Found.Held ? 9 : null, TakenOver = Found },
        StepKind.Snapshot or StepKind.Restore => new StepOutput
        {
            Figures = new RoundFigures
            {
                BytesChanged = 1000,
                BytesShipped = Shipped.GetValueOrDefault(request.Round, 1000),
                Duration = _rounds.GetValueOrDefault(request.Round, TimeSpan.FromMilliseconds(50)),
                FinalDuration = ByRanges.TryGetValue(request.Round, out var byRanges) ? byRanges : null,
                SincePrevious = request.Round == 1 ? null : TimeSpan.FromSeconds(10),
            },
        },
        _ => new StepOutput(),
    };
}
