using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Core.Saga;

/// <summary>
/// The decider: what a relocation does next, as pure functions over its plan and its journal. An engine folds each event with
/// <see cref="Evolve"/>, asks <see cref="Decide"/>, commits the events that <see cref="Record"/> makes of the commands, folds them, and only
/// then carries the commands out. Folding the events of a command makes <see cref="Decide"/> stop asking for it, so a crash at any
/// instant is resumed by replaying the journal, attaching to what is <see cref="InFlight"/> and going on.
/// </summary>
public static class SagaMachine
{
    /// <summary>The newest version of the machine; it stands in every new plan and selects the code that runs it.</summary>
    public const int CurrentVersion = 1;

    /// <summary>The state before the first event.</summary>
    /// <param name="plan">The input.</param>
    /// <exception cref="UnknownMachineVersionException">The plan is for a newer machine.</exception>
    public static SagaState Start(RelocationPlan plan) => throw new NotImplementedException();

    /// <summary>The state after an event.</summary>
    /// <exception cref="UnknownStepException">The event names a step that the plan does not have.</exception>
    public static SagaState Evolve(SagaState state, SagaEvent happened) => throw new NotImplementedException();

    /// <summary>What to do now, in plan order; nothing while the machine waits for results, timers or signals.</summary>
    public static ImmutableArray<SagaCommand> Decide(SagaState state) => throw new NotImplementedException();

    /// <summary>The event that stands for a command in the journal, committed before the command is carried out.</summary>
    /// <param name="state">The state on which the command was decided.</param>
    /// <param name="command">One of the commands of <see cref="Decide"/>.</param>
    /// <param name="at">Now (UTC), from the engine's clock.</param>
    public static SagaEvent Record(SagaState state, SagaCommand command, DateTimeOffset at) => throw new NotImplementedException();

    /// <summary>
    /// The requests whose results are not in the journal, in the order of their dispatch: a new engine dispatches them again, under the same
    /// sequence number, and the agents see to it that nothing is done twice. Those with <see cref="StepRun.CancelRequested"/> are to be cancelled.
    /// </summary>
    public static ImmutableArray<ActivityRequest> InFlight(SagaState state) => throw new NotImplementedException();
}
