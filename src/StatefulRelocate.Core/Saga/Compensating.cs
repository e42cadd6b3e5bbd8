namespace StatefulRelocate.Core.Saga;

/// <summary>
/// Decides while everything is being undone: what is in flight is asked to stop, and each step that was dispatched, whatever became of it, is
/// undone as soon as its dependents are. Its own result is not waited for: the agent ends the effect before it acts on the undo.
/// </summary>
internal static class Compensating
{
    public static SagaState Begin(SagaState state, string reason, bool byPerson = false) => state.Compensating
        ? state
        : state with { Compensation = new CompensationCause(reason, byPerson), PauseRequested = false, Attention = null };

    public static void Decide(SagaState state, CommandList commands)
    {
        var undone = true;
        foreach (var step in state.Steps)
        {
            if (step.Do is { Status: RunStatus.Running, Dispatched: true })
            {
                undone = false;
                if (!step.Do.CancelRequested)
                    commands.Add(new CancelStep(step.Id, StepDirection.Do, step.Do.Sequence));
            }
            if (!Dependencies.NeedsUndo(step) || step.Undo.Status == RunStatus.Completed)
                continue;
            undone = false;
            if (step.Undo.Status == RunStatus.Pending && Dependencies.UndoMayRun(state, step))
                commands.Run(step, StepDirection.Undo);
            if (step.Undo.Broken)
                Retries.Decide(state, step, StepDirection.Undo, commands);
        }
        Retries.DecideAttention(state, commands);
        if (undone && state.Compensation is { } cause)
            commands.Add(new EndRelocation(cause.ByPerson ? RelocationOutcome.Aborted : RelocationOutcome.Compensated, cause.Reason));
    }
}
