using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Core.Saga;

/// <summary>Folds signals; each counts once, by its id, and gets an answer for the person who sent it.</summary>
internal static class Signals
{
    public static SagaState Fold(SagaState state, SignalReceived received)
    {
        if (state.Answer(received.SignalId) is not null)
            return state;
        var (next, accepted, answer) = state.Outcome is not null
            ? Refused(state, "the relocation is over")
            : received.Signal switch
            {
                Approve => FoldApprove(state, received.At),
                Pause => FoldPause(state),
                Resume => FoldResume(state),
                Abort abort => FoldAbort(state, abort),
                MarkDone done => FoldMarkDone(state, done, received.At),
                _ => Refused(state, "this program does not know the signal"),
            };
        return next with { Signals = state.Signals.Add(new SignalAnswer(received.SignalId, received.Signal, accepted, answer)) };
    }

    private static (SagaState, bool, string) FoldApprove(SagaState state, DateTimeOffset at)
    {
        if (state.FirstOfKind(StepKind.Gate) is not { } gate)
            return Refused(state, "the plan asks for no approval");
        if (state.Compensating)
            return Refused(state, "it is being undone");
        if (state.Approved)
            return (state, true, "it was approved before");
        var approved = state with { Approved = true };
        return gate.Do.Status == RunStatus.Running
            ? (Stale(approved.WithStep(gate with { Do = gate.Do with { Status = RunStatus.Completed, EndedAt = at } })), true, "approved; a fresh round comes before the cutover")
            : (approved, true, "approved; the cutover will not wait");
    }

    private static (SagaState, bool, string) FoldPause(SagaState state)
    {
        if (state.Compensating)
            return Refused(state, "it is being undone, which is not paused");
        var paused = state with { PauseRequested = true };
        return (paused, true, state.InBlackout ? "it pauses after the blackout" : "paused; what already runs is finished");
    }

    private static (SagaState, bool, string) FoldResume(SagaState state)
    {
        if (!state.PauseRequested && state.Attention is null)
            return Refused(state, "it is neither paused nor waiting for a person");
        var answer = state.Attention is null ? "it goes on" : "it tries again";
        var held = state.IsPaused && state.BlackoutStartedAt is null;
        var resumed = state with { PauseRequested = false };
        resumed = held ? Stale(resumed) : resumed;
        return (state.Attention is null ? resumed : Retries.TryAgain(resumed), true, answer);
    }

    private static (SagaState, bool, string) FoldAbort(SagaState state, Abort abort)
    {
        if (state.Compensating)
            return (state, true, "it was already being undone");
        if (state.PointOfNoReturn)
            return Refused(state, $"the point of no return is passed: clients may already write to {state.Plan.Spec.Target}; it is brought to its end there, and a relocation back to {state.Plan.Spec.Source} can follow");
        if (state.TakingOver is not null)
            return (state with { Compensation = new CompensationCause(abort.Reason ?? "aborted by a person", ByPerson: true) }, true, $"it looks first at what the earlier run left; unless clients were sent to {state.Plan.Spec.Target} already, everything is undone then");
        return (Compensating.Begin(state, abort.Reason ?? "aborted by a person", byPerson: true), true, "it is being undone");
    }

    private static (SagaState, bool, string) FoldMarkDone(SagaState state, MarkDone done, DateTimeOffset at)
    {
        var direction = Retries.Direction(state);
        if (state.Step(done.Step) is not { } step)
            return Refused(state, $"it has no step '{done.Step}'; its steps: {string.Join(", ", state.Steps.Select(known => known.Id))}");
        if (!step.Run(direction).Broken || !(state.Compensating || state.PointOfNoReturn) || step.Kind == StepKind.TakeOver)
            return Refused(state, $"{(direction == StepDirection.Undo ? "the undo of " : "")}{step.Id} has not failed");
        var marked = step.Run(direction) with { Status = RunStatus.Completed, MarkedDone = done.Reason, EndedAt = at };
        return (state.WithStep(step.With(direction, marked)) with { Attention = null }, true, $"{step.Id} counts as {(direction == StepDirection.Undo ? "undone" : "done")}");
    }

    /// <summary>A hold ended: all that was copied and called before it is stale.</summary>
    private static SagaState Stale(SagaState state) => state with { StaleUpTo = state.Sequence };

    private static (SagaState, bool, string) Refused(SagaState state, string why) => (state, false, why);
}
