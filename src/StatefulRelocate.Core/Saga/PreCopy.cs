using System.Collections.Immutable;
using System.Globalization;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Core.Saga;

/// <summary>The loop of pre-copy rounds, the gate after it, and the fresh round after a gate or a pause.</summary>
internal static class PreCopy
{
    public static bool IsRound(string kind) => StepKind.IsRound(kind);

    public static StepState StepOfRound(PlannedStep planned, int round) =>
        new() { Id = string.Create(CultureInfo.InvariantCulture, $"{planned.Id}-{round}"), Planned = planned, Round = round };

    /// <summary>The last round that is, or will be, dispatched.</summary>
    public static int LastRound(SagaState state)
    {
        var last = 0;
        foreach (var step in state.Steps)
            last = Math.Max(last, step.Round);
        return last;
    }

    /// <summary>The sequence number of the last round's snapshot.</summary>
    public static long LastSequence(SagaState state) => state.OfRound(StepKind.Snapshot, LastRound(state))?.Do.Sequence ?? 0;

    /// <summary>Whether the cutover may begin as far as the copy is concerned: judged good enough, and fresh.</summary>
    public static bool IsOver(SagaState state) => IsJudgedGood(state) && IsFresh(state);

    /// <summary>A round follows the round before; its restore runs beside its snapshot, never before it.</summary>
    public static bool InTurn(SagaState state, StepState step) => step.Kind switch
    {
        StepKind.Snapshot => step.Round == 1 || IsCompleted(state, step.Round - 1),
        StepKind.Restore => (step.Round == 1 || IsCompleted(state, step.Round - 1))
            && state.OfRound(StepKind.Snapshot, step.Round) is { } snapshot && (snapshot.Do.Dispatched || Dependencies.MayRun(state, snapshot)),
        _ => true,
    };

    /// <summary>After a result of a round: when both its sides are done, says what comes next.</summary>
    public static SagaState Judge(SagaState state)
    {
        var round = LastRound(state);
        if (state.Compensating || !IsCompleted(state, round))
            return state;
        var judged = state with { PredictedDowntime = Convergence.Predict(state, round), PreCopyVerdict = Convergence.Judge(state, round) };
        return judged.PreCopyVerdict == PreCopyVerdict.GiveUp
            ? Compensating.Begin(judged, Convergence.Explain(judged, round))
            : judged;
    }

    /// <summary>After any event: opens or passes the gate, and adds the next round when one is due.</summary>
    public static SagaState Settle(SagaState state, DateTimeOffset at)
    {
        if (state.Compensating || state.TakingOver is not null || state.Outcome is not null || state.BlackoutStartedAt is not null || !IsCompleted(state, LastRound(state)))
            return state;
        if (IsJudgedGood(state) && state.FirstOfKind(StepKind.Gate) is { Do.Status: RunStatus.Pending } gate)
            state = state.WithStep(gate with
            {
                Do = state.Approved
                    ? new StepRun { Status = RunStatus.Completed, StartedAt = at, EndedAt = at }
                    : new StepRun { Status = RunStatus.Running, StartedAt = at },
            });
        var due = state.PreCopyVerdict == PreCopyVerdict.AnotherRound || (!IsFresh(state) && state.AllCompleted(StepKind.Gate));
        return due ? WithNextRound(state) : state;
    }

    /// <summary>Whether the round began after the last hold ended.</summary>
    public static bool IsFresh(SagaState state, int round) =>
        state.OfRound(StepKind.Snapshot, round) is { } snapshot && snapshot.Do.Sequence > state.StaleUpTo;

    private static bool IsFresh(SagaState state) => IsFresh(state, LastRound(state));

    private static bool IsJudgedGood(SagaState state) =>
        state.PreCopyVerdict is PreCopyVerdict.Converged or PreCopyVerdict.CutoverAnyway && IsCompleted(state, LastRound(state));

    private static bool IsCompleted(SagaState state, int round) =>
        state.OfRound(StepKind.Snapshot, round)?.Do.Status == RunStatus.Completed
        && state.OfRound(StepKind.Restore, round)?.Do.Status == RunStatus.Completed;

    private static SagaState WithNextRound(SagaState state)
    {
        var round = LastRound(state);
        var steps = ImmutableArray.CreateBuilder<StepState>(state.Steps.Length + 2);
        foreach (var step in state.Steps)
        {
            steps.Add(step);
            if (step.Kind == StepKind.Restore && step.Round == round && state.OfRound(StepKind.Snapshot, round) is { } snapshot)
            {
                steps.Add(StepOfRound(snapshot.Planned, round + 1));
                steps.Add(StepOfRound(step.Planned, round + 1));
            }
        }
        return state with { Steps = steps.ToImmutable() };
    }
}
