using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Core.Saga;

/// <summary>
/// Folds dispatches and their results. Only the latest dispatch of a direction counts; what an older one answers later is ignored, because the
/// newer one was ordered after it by the agent and tells how it really is.
/// </summary>
internal static class Results
{
    public static SagaState Fold(SagaState state, StepStarted started)
    {
        var step = Find(state, started.Step);
        var run = step.Run(started.Direction);
        if (started.Sequence <= run.Sequence)
            return state;
        var timer = state.Timer(Retries.TimerName(step.Id, started.Direction, run.Sequence));
        var next = state with
        {
            Sequence = Math.Max(state.Sequence, started.Sequence),
            Timers = timer is null ? state.Timers : state.Timers.Remove(timer),
        };
        return next.WithStep(step.With(started.Direction, run with
        {
            Status = RunStatus.Running,
            Sequence = started.Sequence,
            Tries = run.Tries + 1,
            StartedAt = run.Broken ? run.StartedAt : started.At,
            EndedAt = null,
            CancelRequested = false,
        }));
    }

    public static SagaState Fold(SagaState state, StepCompleted completed)
    {
        var step = Find(state, completed.Step);
        var run = step.Run(completed.Direction);
        // A failed run was answered and stays so; one that lapsed was not, and its answer is as good late as in time.
        if (completed.Sequence != run.Sequence || run.Status is not (RunStatus.Running or RunStatus.Lapsed))
            return state;
        var next = state.WithStep(step.With(completed.Direction, run with
        {
            Status = RunStatus.Completed,
            EndedAt = completed.At,
            Output = completed.Output,
            Failure = null,
        }));
        if (completed.Direction == StepDirection.Undo)
            return next;
        if (step.Kind == StepKind.TakeOver)
            return TakeOver.Settle(next, completed.At);
        next = Captured(next, step.Id, completed.Output);
        if (step.Kind == StepKind.Lease && completed.Output.Epoch is { } epoch)
            next = next with { Epoch = epoch };
        return PreCopy.IsRound(step.Kind) ? PreCopy.Judge(next) : next;
    }

    public static SagaState Fold(SagaState state, StepFailed failed) =>
        Broken(state, failed.Step, failed.Direction, failed.Sequence, RunStatus.Failed, failed.Failure, failed.At);

    public static SagaState Fold(SagaState state, StepLapsed lapsed) =>
        Broken(state, lapsed.Step, lapsed.Direction, lapsed.Sequence, RunStatus.Lapsed, lapsed.Failure, lapsed.At);

    public static SagaState Fold(SagaState state, CancelRequested cancel)
    {
        var step = Find(state, cancel.Step);
        var run = step.Run(cancel.Direction);
        return cancel.Sequence == run.Sequence ? state.WithStep(step.With(cancel.Direction, run with { CancelRequested = true })) : state;
    }

    private static SagaState Broken(
        SagaState state, string id, StepDirection direction, long sequence, RunStatus status, StepFailure failure, DateTimeOffset at)
    {
        var step = Find(state, id);
        var run = step.Run(direction);
        if (sequence != run.Sequence || run.Status != RunStatus.Running)
            return state;
        var certain = status == RunStatus.Failed && IsCertain(run, failure);
        var next = state.WithStep(step.With(direction, run with
        {
            Status = status,
            EndedAt = at,
            Failure = failure,
            Unclear = run.Unclear || !certain,
        }));
        if (failure.Code == FailureCode.AnotherRun && step.Kind != StepKind.TakeOver)
            return TakeOver.Begin(next, $"{step.Id} on {step.Cluster}: {failure.Message}");
        if (direction == StepDirection.Undo || state.Compensating || state.TakingOver is not null)
            return next;
        if (!state.PointOfNoReturn || (step.Kind == StepKind.DnsSwitch && certain))
            return Compensating.Begin(next, $"{step.Id}{(step.Cluster is null ? "" : " on ")}{step.Cluster} {(status == RunStatus.Lapsed ? "did not answer" : "failed")}: {failure.Message}");
        return next;
    }

    /// <summary>A retry never captures again; each kind of a fused step is captured under its own name.</summary>
    private static SagaState Captured(SagaState state, string step, StepOutput output)
    {
        if (!output.Fused.IsDefaultOrEmpty)
            return output.Fused.Aggregate(state, static (captured, part) => Captured(captured, part.Step, part.Output));
        return state.Captures.Any(capture => capture.Step == step)
            ? state
            : state with { Captures = state.Captures.Add(new CapturedOutput(step, output)) };
    }

    /// <summary>
    /// Whether it is certain, for every attempt of every dispatch, that nothing took effect: an earlier one that was not answered may still have sent
    /// clients to the target, unless the record itself proves that nothing was ever sent.
    /// </summary>
    private static bool IsCertain(StepRun run, StepFailure failure) =>
        failure.Code == FailureCode.CommitLost || (failure.CertainlyNoEffect && !run.Unclear);

    private static StepState Find(SagaState state, string id) => state.Step(id) ?? throw new UnknownStepException(state.Plan.RelocationId, id);
}
