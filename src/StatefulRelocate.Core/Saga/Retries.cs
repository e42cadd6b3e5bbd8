using System.Collections.Immutable;
using System.Globalization;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Core.Saga;

/// <summary>
/// What may not be given up, an undo or a step past the point of no return, is tried again after a wait that doubles, a bounded number of times;
/// then a person is asked for. The engine retries attempts by the plan's policy; this is what comes after that.
/// </summary>
internal static class Retries
{
    /// <summary>Dispatches of one direction of a step until a person is asked for.</summary>
    public const int MaximumTries = 6;

    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    public static void Decide(SagaState state, StepState step, StepDirection direction, CommandList commands)
    {
        var run = step.Run(direction);
        if (IsExhausted(run))
            return;
        var name = TimerName(step.Id, direction, run.Sequence);
        // No try since a person said "resume": at once.
        if (run.Tries == 0 || state.Timer(name) is { Fired: true })
            commands.Run(step, direction);
        else if (state.Timer(name) is null)
            commands.Add(new StartTimer(name, Wait(run.Tries)));
    }

    /// <summary>Asks for a person when nothing is left to try somewhere, and again when it has become more or something else.</summary>
    public static void DecideAttention(SagaState state, CommandList commands)
    {
        if (Reason(state) is { } reason && reason != state.Attention)
            commands.Add(new RequestAttention(reason));
    }

    /// <summary>A person's "resume": each broken run starts its tries from zero.</summary>
    public static SagaState TryAgain(SagaState state)
    {
        var direction = Direction(state);
        foreach (var step in Concerned(state))
            if (step.Run(direction).Broken)
                state = state.WithStep(step.With(direction, step.Run(direction) with { Tries = 0 }));
        return state with { Attention = null };
    }

    /// <summary>The direction whose failures are retried: back while undoing, forward otherwise.</summary>
    public static StepDirection Direction(SagaState state) => state is { Compensating: true, TakingOver: null } ? StepDirection.Undo : StepDirection.Do;

    // While a run takes over, what failed before is for later.
    private static ImmutableArray<StepState> Concerned(SagaState state) =>
        state.TakingOver is null ? state.Steps : [.. state.Steps.Where(static step => step.Kind == StepKind.TakeOver)];

    /// <summary>Attention is over when nothing that was asked about is left, for instance by a late result.</summary>
    public static SagaState Settle(SagaState state) =>
        state.Attention is not null && Reason(state) is null ? state with { Attention = null } : state;

    public static string TimerName(string step, StepDirection direction, long sequence) => string.Create(
        CultureInfo.InvariantCulture, $"retry:{step}:{(direction == StepDirection.Do ? "do" : "undo")}:{sequence}");

    private static string? Reason(SagaState state)
    {
        if (state is { Compensating: false, PointOfNoReturn: false, TakingOver: null })
            return null;
        var direction = Direction(state);
        var reasons = ImmutableArray.CreateBuilder<string>();
        foreach (var step in Concerned(state))
            if (step.Run(direction) is var run && IsExhausted(run))
                reasons.Add($"{(direction == StepDirection.Do ? "" : "the undo of ")}{step.Id} on {step.Cluster} {(run.Status == RunStatus.Lapsed ? "does not answer" : "failed")}: {run.Failure?.Message}");
        return reasons.Count == 0 ? null : string.Join("; ", reasons);
    }

    private static bool IsExhausted(StepRun run) =>
        run.Broken && run.Tries > 0 && (run.Tries >= MaximumTries || run is { Status: RunStatus.Failed, Failure.Retryable: false });

    private static TimeSpan Wait(int tries)
    {
        var wait = FirstWait * Math.Pow(2, Math.Min(tries, 16) - 1);
        return wait < LongestWait ? wait : LongestWait;
    }
}
