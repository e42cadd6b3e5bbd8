using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using Temporalio.Exceptions;
using Temporalio.Workflows;

namespace StatefulRelocate.Engines.Temporal.Workflows;

/// <content>What people and programs may ask and say, as signals, and as updates where they want an answer.</content>
public sealed partial class RelocationWorkflow
{
    private string? _published;

    /// <summary>Opens the gate.</summary>
    [WorkflowSignal(TemporalNames.Approve)]
    public Task ApproveAsync(SignalInput? input = null) => Receive(input, new Approve(input?.By));

    /// <summary>Dispatches no new step, outside the blackout.</summary>
    [WorkflowSignal(TemporalNames.Pause)]
    public Task PauseAsync(SignalInput? input = null) => Receive(input, new Pause());

    /// <summary>Goes on after a pause, or tries again after it needed a person.</summary>
    [WorkflowSignal(TemporalNames.Resume)]
    public Task ResumeAsync(SignalInput? input = null) => Receive(input, new Resume());

    /// <summary>Undoes everything, before the point of no return.</summary>
    [WorkflowSignal(TemporalNames.Abort)]
    public Task AbortAsync(SignalInput? input = null) => Receive(input, new Abort(input?.Reason));

    /// <summary>Counts a step, or while undoing its undo, as done by hand. Without a step and a reason it says nothing.</summary>
    [WorkflowSignal(TemporalNames.MarkDone)]
    public Task MarkDoneAsync(SignalInput? input = null) =>
        input is { Step: { Length: > 0 } step, Reason: { Length: > 0 } reason } ? Receive(input, new MarkDone(step, reason)) : Task.CompletedTask;

    /// <inheritdoc cref="ApproveAsync"/>
    [WorkflowUpdate(TemporalNames.Approve)]
    public Task<SignalReply> AskApproveAsync(SignalInput? input = null) => AnswerAsync(input, new Approve(input?.By));

    /// <inheritdoc cref="PauseAsync"/>
    [WorkflowUpdate(TemporalNames.Pause)]
    public Task<SignalReply> AskPauseAsync(SignalInput? input = null) => AnswerAsync(input, new Pause());

    /// <inheritdoc cref="ResumeAsync"/>
    [WorkflowUpdate(TemporalNames.Resume)]
    public Task<SignalReply> AskResumeAsync(SignalInput? input = null) => AnswerAsync(input, new Resume());

    /// <inheritdoc cref="AbortAsync"/>
    [WorkflowUpdate(TemporalNames.Abort)]
    public Task<SignalReply> AskAbortAsync(SignalInput? input = null) => AnswerAsync(input, new Abort(input?.Reason));

    /// <inheritdoc cref="MarkDoneAsync"/>
    [WorkflowUpdate(TemporalNames.MarkDone)]
    public Task<SignalReply> AskMarkDoneAsync(SignalInput? input = null) => AnswerAsync(input, new MarkDone(input!.Step!, input.Reason!));

    /// <summary>Refuses what can have no answer, before it is in the history.</summary>
    [WorkflowUpdateValidator(nameof(AskApproveAsync))]
    public void ValidateApprove(SignalInput? input = null) => DemandOpen();

    /// <inheritdoc cref="ValidateApprove"/>
    [WorkflowUpdateValidator(nameof(AskPauseAsync))]
    public void ValidatePause(SignalInput? input = null) => DemandOpen();

    /// <inheritdoc cref="ValidateApprove"/>
    [WorkflowUpdateValidator(nameof(AskResumeAsync))]
    public void ValidateResume(SignalInput? input = null) => DemandOpen();

    /// <inheritdoc cref="ValidateApprove"/>
    [WorkflowUpdateValidator(nameof(AskAbortAsync))]
    public void ValidateAbort(SignalInput? input = null) => DemandOpen();

    /// <inheritdoc cref="ValidateApprove"/>
    [WorkflowUpdateValidator(nameof(AskMarkDoneAsync))]
    public void ValidateMarkDone(SignalInput? input = null)
    {
        DemandOpen();
        if (string.IsNullOrWhiteSpace(input?.Step) || string.IsNullOrWhiteSpace(input.Reason))
            throw Refused($"{TemporalNames.MarkDone} needs a step and the reason: {{\"step\": \"fence\", \"reason\": \"edge-a is switched off\"}}");
    }

    /// <summary>Where it is, step by step.</summary>
    [WorkflowQuery(TemporalNames.StatusQuery)]
    public RelocationStatus Status() => RelocationViews.Status(DemandState());

    /// <summary>What is being done.</summary>
    [WorkflowQuery(TemporalNames.PlanQuery)]
    public RelocationPlan Plan() => DemandState().Plan;

    /// <summary>How far it is, in numbers.</summary>
    [WorkflowQuery(TemporalNames.ProgressQuery)]
    public RelocationProgress Progress() => RelocationViews.Progress(DemandState());

    /// <summary>Where it is, in one to three words.</summary>
    [WorkflowQuery(TemporalNames.CurrentStateQuery)]
    public string CurrentState() => SagaPhase.Describe(DemandState());

    /// <summary>The events after a place; folding all of them gives the state.</summary>
    [WorkflowQuery(TemporalNames.EventsQuery)]
    public EventPage Events(long after = 0) => RelocationViews.Page(_events, after, Workflow.Info.RunId, _input.EarlierRuns);

    private Task Receive(SignalInput? input, Signal signal)
    {
        Happened(new SignalReceived(input?.Id ?? Workflow.NewGuid().ToString("N"), signal) { At = default });
        return Task.CompletedTask;
    }

    private async Task<SignalReply> AnswerAsync(SignalInput? input, Signal signal)
    {
        var id = input?.Id ?? Workflow.CurrentUpdateInfo!.Id;
        Happened(new SignalReceived(id, signal) { At = default });
        await Workflow.WaitConditionAsync(() => _state.Answer(id) is not null, CancellationToken.None);
        var answer = _state.Answer(id)!;
        return new SignalReply(answer.Accepted, answer.Answer);
    }

    private void DemandOpen()
    {
        if (DemandState().Outcome is not null)
            throw Refused($"{Workflow.Info.WorkflowId} is over: {SagaPhase.Describe(_state)}");
    }

    private SagaState DemandState() => _refusal is null ? _state : throw _refusal;

    private static ApplicationFailureException Refused(string why) => new(why, "Refused", nonRetryable: true);

    /// <summary>For lists: search attributes where the server has them, the memo elsewhere. The SDK writes attributes by reflection, which a native client does not have, so all are set here.</summary>
    private void PublishPhase()
    {
        var phase = SagaPhase.Describe(_state);
        if (phase == _published)
            return;
        _published = phase;
        if (_input.SearchAttributes)
        {
            var spec = _state.Plan.Spec;
            Workflow.UpsertTypedSearchAttributes(
                RelocationAttributes.App.ValueSet(spec.App), RelocationAttributes.Source.ValueSet(spec.Source), RelocationAttributes.Target.ValueSet(spec.Target), RelocationAttributes.Phase.ValueSet(phase));
        }
        else
            Workflow.UpsertMemo(MemoUpdate.ValueSet(RelocationAttributes.Phase.Name, phase));
    }
}
