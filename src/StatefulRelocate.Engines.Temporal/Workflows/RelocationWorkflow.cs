using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using Temporalio.Converters;
using Temporalio.Exceptions;
using Temporalio.Workflows;

namespace StatefulRelocate.Engines.Temporal.Workflows;

/// <summary>
/// Runs a relocation on Temporal: folds activity results, signals and timers into the saga machine and carries out what it decides. The history is the journal;
/// the machine is pure, so a replay comes to the same state. Knows no step by name.
/// </summary>
[Workflow(TemporalNames.Workflow)]
public sealed partial class RelocationWorkflow
{
    private readonly RelocationInput _input;
    private readonly bool _isPlannedHere;
    private readonly ApplicationFailureException? _refusal;
    private readonly Queue<SagaEvent> _inbox = new();
    private readonly List<SagaEvent> _events = [];
    private readonly Dictionary<long, CancellationTokenSource> _running = [];
    private readonly TaskCompletionSource _cancelled = new();
    private readonly InjectedFailures _failures;
    private readonly int _inherited;
    private SagaState _state = null!;
    private bool _abortTold;
    private Exception? _defect;

    /// <summary>State exists before the first handler runs: a signal that came with the start counts.</summary>
    /// <param name="input">A <see cref="RelocationInput"/>, a plan or a spec.</param>
    [WorkflowInit]
    public RelocationWorkflow(IRawValue? input = null)
    {
        (_input, _isPlannedHere, _refusal) = InputReader.Read(input, Workflow.Info.WorkflowId);
        _failures = new InjectedFailures(_input.FailAt);
        if (_refusal is not null)
            return;
        // A plan for another machine fails the workflow task, not the workflow: it waits for the worker that knows it.
        _state = SagaMachine.Start(_input.Plan!);
        foreach (var happened in _input.Events)
            Fold(happened);
        _inherited = _events.Count;
    }

    /// <summary>Runs to the end of the relocation.</summary>
    /// <param name="input">The same.</param>
    [WorkflowRun]
    public async Task<RelocationResult> RunAsync(IRawValue? input = null)
    {
        if (_refusal is not null)
            throw _refusal;
        if (_input is { TakeOver: true, Events.IsEmpty: true })
            Happened(new TakeOverBegan("the run before ended without the end of the relocation") { At = default });
        await using var cancelled = Workflow.CancellationToken.Register(_cancelled.SetResult);
        foreach (var timer in _state.Timers.Where(static timer => !timer.Fired))
            Detach(FireAsync(timer.Name, timer.DueAt));
        while (true)
        {
            FoldInbox();
            // A plan that this run made is not in its history; it is in the input of the next, so that a later planner changes nothing.
            if ((_isPlannedHere || IsDueToContinue) && await MayContinueAsync())
                throw Workflow.CreateContinueAsNewException((RelocationWorkflow workflow) => workflow.RunAsync(Continued()));
            Advance();
            PublishPhase();
            if (_state.Outcome is not null && Workflow.AllHandlersFinished)
                break;
            await NewsAsync();
            if (_defect is not null)
                throw new InvalidOperationException(_defect.Message, _defect);
        }

        return Result();
    }

    /// <summary>A cancellation alone wakes no condition.</summary>
    private Task NewsAsync()
    {
        var news = Workflow.WaitConditionAsync(HasNews, CancellationToken.None);
        return _cancelled.Task.IsCompleted ? news : Workflow.WhenAnyAsync(news, _cancelled.Task);
    }

    private bool HasNews() => _inbox.Count > 0 || _defect is not null || MustAbort || (_state.Outcome is not null && Workflow.AllHandlersFinished);

    private bool MustAbort => Workflow.CancellationToken.IsCancellationRequested && !_abortTold;

    private void FoldInbox()
    {
        if (MustAbort)
        {
            _abortTold = true;
            Happened(new SignalReceived(Workflow.NewGuid().ToString("N"), new Abort("the workflow was cancelled")) { At = default });
        }

        while (_inbox.TryDequeue(out var happened))
            Fold(happened with { At = Now });
    }

    /// <summary>What the machine decides is recorded, folded, and carried out; it is asked again until it waits.</summary>
    private void Advance()
    {
        while (SagaMachine.Decide(_state) is { IsEmpty: false } commands)
        {
            var on = _state;
            foreach (var command in commands)
            {
                Fold(SagaMachine.Record(on, command, Now));
                CarryOut(command);
            }
        }
    }

    private void CarryOut(SagaCommand command)
    {
        switch (command)
        {
            case RunStep run when _failures.Before(_state, run.Request) is { } failed:
                Happened(failed);
                break;
            case RunStep run:
                Detach(RunStepAsync(run.Request));
                break;
            case CancelStep cancel when _running.TryGetValue(cancel.Sequence, out var running):
                running.Cancel();
                break;
            case StartTimer timer:
                Detach(FireAsync(timer.Timer, _state.Timers.Single(each => each.Name == timer.Timer).DueAt));
                break;
            default:
                // A fact and no deed.
                break;
        }
    }

    private async Task RunStepAsync(ActivityRequest decided)
    {
        var request = decided with { EarlierRuns = _input.EarlierRuns };
        // Of its own: cancelling the workflow means undoing, and the undo must not be cancelled with it.
        using var cancel = new CancellationTokenSource();
        _running.Add(request.Sequence, cancel);
        try
        {
            var output = await Workflow.ExecuteActivityAsync<StepOutput>(request.Kind, [request], StepOptions.Of(_state, request, cancel.Token));
            Happened(_failures.After(_state, request) ?? (SagaEvent)new StepCompleted(request.Step, request.Direction, request.Sequence, output) { At = default });
        }
        catch (ActivityFailureException error)
        {
            Happened(StepEnds.Of(request, error));
        }
        finally
        {
            _running.Remove(request.Sequence);
        }
    }

    private async Task FireAsync(string timer, DateTimeOffset dueAt)
    {
        var left = dueAt - Workflow.UtcNow;
        await Workflow.DelayWithOptionsAsync(new(left > TimeSpan.Zero ? left : TimeSpan.Zero, timer, CancellationToken.None));
        Happened(new TimerFired(timer) { At = default });
    }

    /// <summary>What fails in the background is a defect of ours, and must fail the workflow task, where it is seen and can be mended.</summary>
    private void Detach(Task task) => task.ContinueWith(
        ended => _defect ??= ended.Exception!.InnerException, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Current);

    private void Happened(SagaEvent happened) => _inbox.Enqueue(happened);

    private void Fold(SagaEvent happened)
    {
        // Sent twice under one id: it counted the first time.
        if (happened is SignalReceived signal && _state.Answer(signal.SignalId) is not null)
            return;
        _events.Add(happened);
        _state = SagaMachine.Evolve(_state, happened);
    }

    /// <summary>Now, never before the last event.</summary>
    private DateTimeOffset Now => _state.LastEventAt is { } last && last > Workflow.UtcNow ? last : new DateTimeOffset(Workflow.UtcNow, TimeSpan.Zero);

    // Never inside the cutover, and only with nothing in flight: between two rounds, at the gate, in a pause.
    private bool IsDueToContinue =>
        (_input.ContinueAfter is { } bound ? Workflow.CurrentHistoryLength >= bound : Workflow.ContinueAsNewSuggested)
        && _events.Count > _inherited
        && _running.Count == 0
        && _state is { Outcome: null, BlackoutStartedAt: null, Compensating: false, TakingOver: null, PointOfNoReturn: false }
        && _state.Timers.All(static timer => timer.Fired);

    private async Task<bool> MayContinueAsync()
    {
        await Workflow.WaitConditionAsync(static () => Workflow.AllHandlersFinished, CancellationToken.None);
        return _inbox.Count == 0 && !MustAbort;
    }

    private RawValue Continued() => new RawValue(Workflow.PayloadConverter.ToPayload(_input with
    {
        Spec = null,
        Events = [.. _events],
        EarlierRuns = _input.EarlierRuns.Add(Workflow.Info.RunId),
    }));

    private RelocationResult Result() => _state switch
    {
        { Outcome: RelocationOutcome.Compensated } =>
            throw new ApplicationFailureException(_state.OutcomeReason ?? "undone", TemporalNames.CompensatedFailure, nonRetryable: true),
        { Outcome: RelocationOutcome.Aborted } when Workflow.CancellationToken.IsCancellationRequested =>
            throw new OperationCanceledException(_state.OutcomeReason, Workflow.CancellationToken),
        _ => new RelocationResult { Outcome = _state.Outcome!.Value, Reason = _state.OutcomeReason },
    };
}
