using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Core.Saga;

/// <summary>
/// What the machine wants the engine to do. The engine turns each command into its event with
/// <c>SagaMachine.Record</c>, commits the event on the state it was decided on, folds it, and only then carries the command out.
/// </summary>
public abstract record SagaCommand;

/// <summary>Dispatch a step's do or undo; recorded as <see cref="StepStarted"/>.</summary>
public sealed record RunStep(ActivityRequest Request) : SagaCommand;

/// <summary>Cancel a step in flight; recorded as <see cref="CancelRequested"/>.</summary>
public sealed record CancelStep(string Step, StepDirection Direction, long Sequence) : SagaCommand;

/// <summary>Start a timer; recorded as <see cref="TimerStarted"/>.</summary>
public sealed record StartTimer(string Timer, TimeSpan Duration) : SagaCommand;

/// <summary>Pass the point of no return; recorded as <see cref="PointOfNoReturnPassed"/>.</summary>
public sealed record PassPointOfNoReturn : SagaCommand;

/// <summary>Say that a person is needed; recorded as <see cref="AttentionRequested"/>.</summary>
public sealed record RequestAttention(string Reason) : SagaCommand;

/// <summary>The relocation is over; recorded as <see cref="RelocationEnded"/>.</summary>
public sealed record EndRelocation(RelocationOutcome Outcome, string? Reason) : SagaCommand;
