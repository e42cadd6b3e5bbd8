using System.Globalization;

namespace StatefulRelocate.Core.Saga;

/// <summary>Folds timers.</summary>
internal static class Timers
{
    public static SagaState Fold(SagaState state, TimerStarted started) => state.Timer(started.Timer) is not null
        ? state
        : state with { Timers = state.Timers.Add(new TimerState(started.Timer, started.DueAt, Fired: false)) };

    public static SagaState Fold(SagaState state, TimerFired fired)
    {
        if (state.Timer(fired.Timer) is not { Fired: false } timer)
            return state;
        var next = state with { Timers = state.Timers.Replace(timer, timer with { Fired = true }) };
        return fired.Timer == Blackout.Timer && !state.PointOfNoReturn
            ? Compensating.Begin(next, string.Create(
                CultureInfo.InvariantCulture, $"the blackout lasted longer than maxBlackout ({state.Plan.Spec.Cutover.MaxBlackout.TotalSeconds:0.###}s)"))
            : next;
    }
}
