using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Core.Saga;

/// <summary>When a step may be dispatched, and when its undo may.</summary>
internal static class Dependencies
{
    /// <summary>Whether the effect of the step is to be dispatched now.</summary>
    public static bool MayRun(SagaState state, StepState step) => step.Kind switch
    {
        StepKind.Gate => false,
        StepKind.RollCall => Due(state, step) && Met(state, step),
        _ => step.Do.Status == RunStatus.Pending && Met(state, step) && PreCopy.InTurn(state, step),
    };

    /// <summary>Whether all that the step depends on is there, and not stale.</summary>
    public static bool Met(SagaState state, StepState step)
    {
        foreach (var id in step.Planned.DependsOn)
        {
            // The plan's "snapshot" and "restore" are no steps of their own here: they stand for pre-copy as a whole.
            var met = state.Step(id) is { } needed ? needed.Do.Status == RunStatus.Completed && IsCurrent(state, needed) : PreCopy.IsOver(state);
            if (!met)
                return false;
        }
        return true;
    }

    /// <summary>Whether the undo is due at all: everything that was dispatched may have had an effect.</summary>
    public static bool NeedsUndo(StepState step) => step.Planned.HasUndo && step.Do.Dispatched;

    /// <summary>
    /// Whether all that must be undone before it is. What has no undo and still runs is not waited for: it was asked to stop, the first undo on
    /// its agent stops it for good, and an unreachable agent must not hold up a thaw on the other side.
    /// </summary>
    public static bool UndoMayRun(SagaState state, StepState step)
    {
        foreach (var id in step.Planned.UndoAfter)
            if (state.Step(id) is { } before && NeedsUndo(before) && before.Undo.Status != RunStatus.Completed)
                return false;
        return true;
    }

    /// <summary>A roll call is called again when a fresh round came after it; never once the blackout began.</summary>
    private static bool Due(SagaState state, StepState rollCall) => state.BlackoutStartedAt is null && rollCall.Do.Status switch
    {
        RunStatus.Pending => true,
        RunStatus.Completed => !IsCurrent(state, rollCall),
        _ => false,
    };

    private static bool IsCurrent(SagaState state, StepState needed) =>
        needed.Kind != StepKind.RollCall || state.BlackoutStartedAt is not null
        || (needed.Do.Sequence > state.StaleUpTo && needed.Do.Sequence > PreCopy.LastSequence(state));
}
