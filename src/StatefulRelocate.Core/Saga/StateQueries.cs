namespace StatefulRelocate.Core.Saga;

/// <summary>Questions that several parts of the machine ask.</summary>
internal static class StateQueries
{
    public static StepState? FirstOfKind(this SagaState state, string kind)
    {
        foreach (var step in state.Steps)
            if (step.Kind == kind)
                return step;
        return null;
    }

    public static StepState? OfRound(this SagaState state, string kind, int round)
    {
        foreach (var step in state.Steps)
            if (step.Kind == kind && step.Round == round)
                return step;
        return null;
    }

    public static bool AllCompleted(this SagaState state, string kind)
    {
        foreach (var step in state.Steps)
            if (step.Kind == kind && step.Do.Status != RunStatus.Completed)
                return false;
        return true;
    }

    public static bool WasDispatched(this SagaState state, string kind) => state.FirstOfKind(kind)?.Do.Dispatched == true;

    public static TimerState? Timer(this SagaState state, string name)
    {
        foreach (var timer in state.Timers)
            if (string.Equals(timer.Name, name, StringComparison.Ordinal))
                return timer;
        return null;
    }

    public static SagaState WithStep(this SagaState state, StepState step)
    {
        for (var i = 0; i < state.Steps.Length; i++)
            if (state.Steps[i].Id == step.Id)
                return state with { Steps = state.Steps.SetItem(i, step) };
        return state;
    }
}
