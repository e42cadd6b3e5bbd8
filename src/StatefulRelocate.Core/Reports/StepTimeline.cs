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

    private StepTimeline()
    {
    }

    /// <summary>The dos, in the order of their first dispatch.</summary>
    public IReadOnlyList<Run> Dos => _dos;

    /// <summary>The undos, in the order of their first dispatch.</summary>
    public IReadOnlyList<Run> Undos => _undos;

    /// <summary>The last event's time, or null before the first.</summary>
    public DateTimeOffset? End { get; private set; }

    public static StepTimeline Read(RelocationPlan plan, IEnumerable<SagaEvent> events)
    {
        var timeline = new StepTimeline();
        var passed = false;
        foreach (var e in events)
        {
            timeline.End = e.At;
            switch (e)
            {
                case StepStarted started:
                    timeline.Begin(plan, started, passed);
                    break;
                case StepCompleted { Output.Fused: { IsDefaultOrEmpty: false } fused } completed when completed.Direction == StepDirection.Do:
                    timeline.FinishFused(completed, fused);
                    break;
                case StepCompleted completed:
                    timeline.Finish(completed.Step, completed.Direction, StepReportOutcome.Completed, e.At, completed.Output, injected: false);
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

    private void Begin(RelocationPlan plan, StepStarted started, bool passed)
    {
        if (Find(started.Step, started.Direction) is { } again)
        {
            again.Outcome = StepReportOutcome.Running;
            again.EndedAt = null;
            return;
        }

        (started.Direction == StepDirection.Do ? _dos : _undos).Add(new Run
        {
            Step = started.Step,
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
    private void FinishFused(StepCompleted completed, ImmutableArray<FusedOutput> fused)
    {
        if (Find(completed.Step, StepDirection.Do) is not { } first)
            return;
        var began = first.StartedAt;
        foreach (var part in fused)
        {
            if (Find(part.Step, StepDirection.Do) is null)
                _dos.Add(new Run { Step = part.Step, Kind = part.Step, StartedAt = began, AfterPointOfNoReturn = first.AfterPointOfNoReturn });
            // Its own clock counted the durations, the engine's the rest.
            began = began + part.Duration > completed.At ? completed.At : began + part.Duration;
            Finish(part.Step, StepDirection.Do, StepReportOutcome.Completed, began, part.Output, injected: false);
        }
    }

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
}
