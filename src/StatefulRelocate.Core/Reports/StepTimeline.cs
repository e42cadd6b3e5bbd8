using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Reports;

/// <summary>When each do and undo of a relocation ran, read from its journal.</summary>
internal sealed class StepTimeline
{
    private readonly List<Run> _dos = [];
    private readonly List<Run> _undos = [];
    private readonly List<Dispatch> _dispatches = [];

    private StepTimeline()
    {
    }

    /// <summary>The dos, in the order of their first dispatch.</summary>
    public IReadOnlyList<Run> Dos => _dos;

    /// <summary>The undos, in the order of their first dispatch.</summary>
    public IReadOnlyList<Run> Undos => _undos;

    /// <summary>Every dispatch, retries too, in order.</summary>
    public IReadOnlyList<Dispatch> Dispatches => _dispatches;

    /// <summary>The last event's time, or null before the first.</summary>
    public DateTimeOffset? End { get; private set; }

    public static StepTimeline Read(RelocationPlan plan, IEnumerable<SagaEvent> events)
    {
        var timeline = new StepTimeline();
        var passed = false;
        var decision = 0;
        foreach (var e in events)
        {
            timeline.End = e.At;
            // What one decision dispatched follows each other; before the next one, something happened.
            if (e is StepCompleted or StepFailed or StepLapsed or TimerFired or SignalReceived)
                decision++;
            switch (e)
            {
                case StepStarted started:
                    timeline.Begin(plan, started, passed, decision);
                    break;
                case StepCompleted { Output.Fused: { IsDefaultOrEmpty: false } fused } completed when completed.Direction == StepDirection.Do:
                    timeline.FinishFused(completed.Step, fused, e.At);
                    break;
                case StepCompleted completed:
                    timeline.Finish(completed.Step, completed.Direction, StepReportOutcome.Completed, e.At, completed.Output, injected: false);
                    break;
                case StepFailed { Failure.Fused: { IsDefaultOrEmpty: false } fused } failed when failed.Direction == StepDirection.Do:
                    timeline.FinishFused(failed.Step, fused, e.At);
                    timeline.Fail(timeline.PartAfter(plan, failed.Step, fused), failed);
                    break;
                case StepFailed failed:
                    timeline.Finish(failed.Step, failed.Direction, StepReportOutcome.Failed, e.At, null, failed.Failure.Injected);
                    break;
                case StepLapsed lapsed:
                    timeline.Finish(lapsed.Step, lapsed.Direction, StepReportOutcome.TimedOut, e.At, null, lapsed.Failure.Injected);
                    break;
                case CancelRequested cancel when timeline.Find(cancel.Step, cancel.Direction) is { } run:
                    run.Cancelled = true;
                    break;
                case SignalReceived { Signal: MarkDone done }:
                    timeline.MarkDone(done.Step, e.At);
                    break;
                case PointOfNoReturnPassed:
                    passed = true;
                    break;
            }
        }

        return timeline;
    }

    /// <summary>The do of a step, or null when it was never dispatched.</summary>
    public Run? Do(string step) => Find(step, StepDirection.Do);

    /// <summary>The undo of a step, or null when it was never dispatched.</summary>
    public Run? Undo(string step) => Find(step, StepDirection.Undo);

    /// <summary>The kind of a step: that of its plan entry; rounds carry their number after it.</summary>
    public static string KindOf(RelocationPlan plan, string step)
    {
        foreach (var planned in plan.Steps)
            if (string.Equals(planned.Id, step, StringComparison.Ordinal))
                return planned.Kind;
        var dash = step.LastIndexOf('-');
        return dash > 0 && int.TryParse(step.AsSpan(dash + 1), out _) ? step[..dash] : step;
    }

    private Run? Find(string step, StepDirection direction)
    {
        foreach (var run in direction == StepDirection.Do ? _dos : _undos)
            if (string.Equals(run.Step, step, StringComparison.Ordinal))
                return run;
        return null;
    }

    /// <summary>When what was dispatched had ended: a step of several kinds with the last of them.</summary>
    public DateTimeOffset EndOf(Dispatch dispatch) =>
        (dispatch.Direction == StepDirection.Do ? _dos : _undos).Where(run => run.DispatchedAs == dispatch.Step).Max(run => run.EndedAt ?? End!.Value);

    /// <summary>The undo of a do; where it was dispatched as a part of a step, that step's, which undoes each of its parts that changed something.</summary>
    public Run? UndoOf(Run run) => Undo(run.Step) ?? (BlackoutAccount.IsWaitedFor(run.Kind, StepDirection.Undo) ? Undo(run.DispatchedAs) : null);

    private void Begin(RelocationPlan plan, StepStarted started, bool passed, int decision)
    {
        _dispatches.Add(new Dispatch(started.Step, KindOf(plan, started.Step), started.Direction, started.At, decision));
        if (Find(started.Step, started.Direction) is { } again)
        {
            again.Outcome = StepReportOutcome.Running;
            again.EndedAt = null;
            return;
        }

        (started.Direction == StepDirection.Do ? _dos : _undos).Add(new Run
        {
            Step = started.Step,
            DispatchedAs = started.Step,
            Kind = KindOf(plan, started.Step),
            StartedAt = started.At,
            AfterPointOfNoReturn = passed,
        });
    }

    private void Finish(string step, StepDirection direction, StepReportOutcome outcome, DateTimeOffset at, StepOutput? output, bool injected)
    {
        if (Find(step, direction) is not { } run)
            return;
        run.Outcome = outcome;
        run.EndedAt = at;
        run.Output = output ?? run.Output;
        run.Injected |= injected;
    }

    /// <summary>One dispatch that was several steps: each gets the time that its agent took for it, one after the other; what is left is the engine's.</summary>
    private void FinishFused(string step, ImmutableArray<FusedOutput> fused, DateTimeOffset at)
    {
        if (Find(step, StepDirection.Do) is not { } first)
            return;
        var began = first.StartedAt;
        foreach (var part in fused)
        {
            _ = Part(part.Step, first, began);
            // The agent's clock counted the durations, the engine's the rest.
            began = began + part.Duration > at ? at : began + part.Duration;
            Finish(part.Step, StepDirection.Do, StepReportOutcome.Completed, began, part.Output, injected: false);
        }
    }

    /// <summary>The step whose turn it was after the ones that were done.</summary>
    private Run PartAfter(RelocationPlan plan, string step, ImmutableArray<FusedOutput> done)
    {
        var first = Find(step, StepDirection.Do)!;
        var kinds = plan.Steps.First(planned => planned.Id == step).Fused;
        return done.Length > kinds.Length
            ? first
            : Part(kinds[done.Length - 1], first, Find(done[^1].Step, StepDirection.Do)!.EndedAt!.Value);
    }

    /// <summary>A part of a step of several kinds, which begins then where it is new.</summary>
    private Run Part(string step, Run first, DateTimeOffset began)
    {
        if (Find(step, StepDirection.Do) is { } known)
            return known;
        var run = new Run { Step = step, DispatchedAs = first.Step, Kind = step, StartedAt = began, AfterPointOfNoReturn = first.AfterPointOfNoReturn, Cancelled = first.Cancelled };
        _dos.Add(run);
        return run;
    }

    private void Fail(Run run, StepFailed failed) => Finish(run.Step, StepDirection.Do, StepReportOutcome.Failed, failed.At, null, failed.Failure.Injected);

    private void MarkDone(string step, DateTimeOffset at)
    {
        // The machine takes the word for the undo once there is one, else for the do.
        var run = Undo(step) is { Outcome: not StepReportOutcome.Completed } undo ? undo : Do(step);
        if (run is null || run.Outcome == StepReportOutcome.Completed)
            return;
        run.Outcome = StepReportOutcome.MarkedDone;
        run.EndedAt = at;
    }

    /// <summary>One step's do or undo, all its dispatches taken together.</summary>
    internal sealed class Run
    {
        public required string Step { get; init; }

        /// <summary>The step that it was dispatched as a part of, or its own id.</summary>
        public required string DispatchedAs { get; init; }

        public required string Kind { get; init; }

        public required DateTimeOffset StartedAt { get; init; }

        public bool AfterPointOfNoReturn { get; init; }

        public DateTimeOffset? EndedAt { get; set; }

        public StepReportOutcome Outcome { get; set; } = StepReportOutcome.Running;

        public StepOutput? Output { get; set; }

        public bool Injected { get; set; }

        public bool Cancelled { get; set; }

        public ImmutableArray<StepPart> Parts => Output?.Parts ?? [];

        public StepReportOutcome ReportedOutcome =>
            Cancelled && Outcome is StepReportOutcome.Failed or StepReportOutcome.TimedOut ? StepReportOutcome.Cancelled : Outcome;
    }

    /// <summary>One dispatch.</summary>
    /// <param name="Step">The step.</param>
    /// <param name="Kind">Its kind.</param>
    /// <param name="Direction">Do or undo.</param>
    /// <param name="At">When.</param>
    /// <param name="Decision">The number of the decision that dispatched it, with others perhaps.</param>
    internal sealed record Dispatch(string Step, string Kind, StepDirection Direction, DateTimeOffset At, int Decision);
}
