using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Faults;

namespace StatefulRelocate.Engines;

/// <summary>An event and its place in the journal of its relocation, from 1.</summary>
public sealed record JournaledEvent(long Sequence, SagaEvent Event);

/// <summary>A relocation in the journal.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="CreatedAt">When it was written (UTC).</param>
/// <param name="Ended">Whether its last event is its end.</param>
public sealed record JournaledRelocation(RelocationPlan Plan, DateTimeOffset CreatedAt, bool Ended)
{
    /// <summary>The id.</summary>
    public string Id => Plan.RelocationId;

    /// <summary>Why the last engine could not go on with it, in one line, or null. The next one tries again.</summary>
    public string? Halted { get; init; }
}

/// <summary>An attempt: written before it was dispatched, its answer after. No answer: unknown, it may have taken effect.</summary>
/// <param name="StepSequence">The sequence number of the dispatch that it belongs to.</param>
/// <param name="Attempt">From 1; grows over the deaths of engines.</param>
/// <param name="Answer">The failure it was answered with, or null.</param>
public sealed record JournaledAttempt(long StepSequence, int Attempt, StepFailure? Answer);

/// <summary>An injected fault and what became of it.</summary>
/// <param name="Fault">What was asked for.</param>
/// <param name="Step">The step at which it fired, with its round, or null: not reached yet.</param>
/// <param name="Times">How often it fired.</param>
/// <param name="KilledPid">A crash: the engine process that died.</param>
/// <param name="ResumedPid">A crash: the engine process that went on, or null.</param>
public sealed record JournaledFault(Fault Fault, string? Step, int Times, int? KilledPid, int? ResumedPid);
