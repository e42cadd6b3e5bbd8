using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Core.Saga;

/// <summary>The bound of the blackout, as the saga keeps it; the agents keep it by themselves too.</summary>
internal static class Blackout
{
    public const string Timer = "max-blackout";

    /// <summary>Whether a step of that kind runs inside the blackout, so that it is told how much is left.</summary>
    public static bool Holds(string kind) => kind is StepKind.Quiesce or StepKind.Fence or StepKind.FinalSnapshot or StepKind.FinalRestore
        or StepKind.Verify or StepKind.Start or StepKind.Ready;

    /// <summary>What is left of <c>maxBlackout</c> as of the last event, never below zero.</summary>
    public static TimeSpan Left(SagaState state)
    {
        var bound = state.Plan.Spec.Cutover.MaxBlackout;
        if (state.BlackoutStartedAt is not { } began || state.LastEventAt is not { } now || now <= began)
            return bound;
        var left = bound - (now - began);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
