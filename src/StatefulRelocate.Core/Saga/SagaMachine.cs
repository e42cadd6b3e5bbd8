using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Core.Saga;

/// <summary>
/// The decider: what a relocation does next, as pure functions over its plan and its journal. An engine folds each event with
/// <see cref="Evolve"/>, asks <see cref="Decide"/>, commits the events that <see cref="Record"/> makes of the commands, folds them, and only
/// then carries the commands out; then it asks again, until there is no command. Folding the events of a command makes <see cref="Decide"/> stop asking for it, so a crash at any
/// instant is resumed by replaying the journal, attaching to what is <see cref="InFlight"/> and going on.
/// </summary>
public static class SagaMachine
{
    /// <summary>The newest version of the machine; it stands in every new plan and selects the code that runs it.</summary>
    public const int CurrentVersion = 1;

    /// <summary>The state before the first event.</summary>
    /// <param name="plan">The input.</param>
    /// <exception cref="UnknownMachineVersionException">The plan is for a newer machine.</exception>
    public static SagaState Start(RelocationPlan plan)
    {
        if (plan.MachineVersion != CurrentVersion)
            throw new UnknownMachineVersionException(plan.RelocationId, plan.MachineVersion);
        return new SagaState { Plan = plan, Steps = [.. plan.Steps.Select(Initial)] };

        static StepState Initial(PlannedStep planned) => PreCopy.IsRound(planned.Kind)
            ? PreCopy.StepOfRound(planned, round: 1)
            : new StepState { Id = planned.Id, Planned = planned };
    }

    /// <summary>
    /// The state after an event. What comes too late (the result of an older dispatch, a timer that matters no more, anything after the
    /// end) is counted and changes nothing else.
    /// </summary>
    /// <exception cref="UnknownStepException">The event names a step that the plan does not have.</exception>
    public static SagaState Evolve(SagaState state, SagaEvent happened)
    {
        var next = happened switch
        {
            SignalReceived signal => Signals.Fold(state, signal),
            _ when state.Outcome is not null => state,
            StepStarted started => Results.Fold(state, started),
            StepCompleted completed => Results.Fold(state, completed),
            StepFailed failed => Results.Fold(state, failed),
            StepLapsed lapsed => Results.Fold(state, lapsed),
            CancelRequested cancel => Results.Fold(state, cancel),
            TimerStarted timer => Timers.Fold(state, timer),
            TimerFired timer => Timers.Fold(state, timer),
            PointOfNoReturnPassed => state with { PointOfNoReturn = true },
            TakeOverBegan began => TakeOver.Begin(state, began.Reason),
            AttentionRequested attention => state with { Attention = attention.Reason },
            RelocationEnded ended => state with { Outcome = ended.Outcome, OutcomeReason = ended.Reason, Attention = null },
            _ => throw new ArgumentOutOfRangeException(nameof(happened), happened.GetType().Name, "no event of this machine"),
        };
        next = Retries.Settle(PreCopy.Settle(next, happened.At));
        return next with
        {
            Events = state.Events + 1,
            StartedAt = state.StartedAt ?? happened.At,
            LastEventAt = happened.At,
        };
    }

    /// <summary>What to do now, in plan order; nothing while the machine waits for results, timers or signals.</summary>
    public static ImmutableArray<SagaCommand> Decide(SagaState state)
    {
        if (state.Outcome is not null)
            return [];
        var commands = new CommandList(state);
        if (state.TakingOver is not null)
            TakeOver.Decide(state, commands);
        else if (state.Compensating)
            Compensating.Decide(state, commands);
        else if (!state.IsPaused)
            GoingForward.Decide(state, commands);
        return commands.ToImmutable();
    }

    /// <summary>The event that stands for a command in the journal, committed before the command is carried out.</summary>
    /// <param name="state">The state on which the command was decided.</param>
    /// <param name="command">One of the commands of <see cref="Decide"/>.</param>
    /// <param name="at">Now (UTC), from the engine's clock.</param>
    public static SagaEvent Record(SagaState state, SagaCommand command, DateTimeOffset at) => command switch
    {
        RunStep run => new StepStarted(run.Request.Step, run.Request.Direction, run.Request.Sequence) { At = at },
        CancelStep cancel => new CancelRequested(cancel.Step, cancel.Direction, cancel.Sequence) { At = at },
        StartTimer timer => new TimerStarted(timer.Timer, at + timer.Duration) { At = at },
        PassPointOfNoReturn => new PointOfNoReturnPassed { At = at },
        RequestAttention attention => new AttentionRequested(attention.Reason) { At = at },
        EndRelocation end => new RelocationEnded(end.Outcome, end.Reason) { At = at },
        _ => throw new ArgumentOutOfRangeException(nameof(command), command.GetType().Name, $"no command of machine {state.Plan.MachineVersion}"),
    };

    /// <summary>
    /// The requests whose results are not in the journal, in the order of their dispatch: a new engine dispatches them again, under the same
    /// sequence number, and the agents see to it that nothing is done twice. Those with <see cref="StepRun.CancelRequested"/> are to be cancelled.
    /// </summary>
    public static ImmutableArray<ActivityRequest> InFlight(SagaState state)
    {
        var requests = new List<ActivityRequest>();
        foreach (var step in state.Steps)
            foreach (var direction in (ReadOnlySpan<StepDirection>)[StepDirection.Do, StepDirection.Undo])
                if (step.Run(direction) is { Status: RunStatus.Running, Dispatched: true } run)
                    requests.Add(CommandList.Request(state, step, direction, run.Sequence));
        return [.. requests.OrderBy(request => request.Sequence)];
    }
}
