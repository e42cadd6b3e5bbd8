using System.Text.Json.Serialization;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Core.Saga;

/// <summary>Whether a step's effect or its inverse runs.</summary>
public enum StepDirection
{
    /// <summary>The effect.</summary>
    Do,

    /// <summary>Its inverse.</summary>
    Undo,
}

/// <summary>A fact in the journal of a relocation. Time enters the machine only here.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(StepStarted), "stepStarted")]
[JsonDerivedType(typeof(StepCompleted), "stepCompleted")]
[JsonDerivedType(typeof(StepFailed), "stepFailed")]
[JsonDerivedType(typeof(StepLapsed), "stepLapsed")]
[JsonDerivedType(typeof(CancelRequested), "cancelRequested")]
[JsonDerivedType(typeof(TimerStarted), "timerStarted")]
[JsonDerivedType(typeof(TimerFired), "timerFired")]
[JsonDerivedType(typeof(SignalReceived), "signalReceived")]
[JsonDerivedType(typeof(PointOfNoReturnPassed), "pointOfNoReturnPassed")]
[JsonDerivedType(typeof(AttentionRequested), "attentionRequested")]
[JsonDerivedType(typeof(RelocationEnded), "relocationEnded")]
[JsonDerivedType(typeof(TakeOverBegan), "takeOverBegan")]
public abstract record SagaEvent
{
    /// <summary>When the engine recorded it (UTC).</summary>
    public required DateTimeOffset At { get; init; }
}

/// <summary>A step is about to be dispatched; committed before the dispatch. <see cref="Sequence"/> grows with every dispatch of the relocation.</summary>
public sealed record StepStarted(string Step, StepDirection Direction, long Sequence) : SagaEvent;

/// <summary>The step's effect is there.</summary>
public sealed record StepCompleted(string Step, StepDirection Direction, long Sequence, StepOutput Output) : SagaEvent;

/// <summary>The last attempt was answered with a failure; the effect may be there in part.</summary>
public sealed record StepFailed(string Step, StepDirection Direction, long Sequence, StepFailure Failure) : SagaEvent;

/// <summary>No answer in time: unknown, maybe still running; never "failed".</summary>
public sealed record StepLapsed(string Step, StepDirection Direction, long Sequence, StepFailure Failure) : SagaEvent;

/// <summary>The engine was asked to cancel a step in flight; its result still comes.</summary>
public sealed record CancelRequested(string Step, StepDirection Direction, long Sequence) : SagaEvent;

/// <summary>A timer runs; it fires at <see cref="DueAt"/>.</summary>
public sealed record TimerStarted(string Timer, DateTimeOffset DueAt) : SagaEvent;

/// <summary>A timer fired.</summary>
public sealed record TimerFired(string Timer) : SagaEvent;

/// <summary>A person or a program said something. A signal counts once, by its id.</summary>
public sealed record SignalReceived(string SignalId, Signal Signal) : SagaEvent;

/// <summary>From here failures are handled by going forward; committed before the first DNS message.</summary>
public sealed record PointOfNoReturnPassed : SagaEvent;

/// <summary>The machine can go neither on nor back by itself; it waits for a <c>resume</c>.</summary>
public sealed record AttentionRequested(string Reason) : SagaEvent;

/// <summary>
/// This run knows nothing of an earlier one of the same relocation, which ended without its end: both agents are asked what is, and it goes back or forward from
/// there. An agent's <see cref="FailureCode.AnotherRun"/> has the same effect.
/// </summary>
public sealed record TakeOverBegan(string Reason) : SagaEvent;

/// <summary>The relocation is over.</summary>
public sealed record RelocationEnded(RelocationOutcome Outcome, string? Reason) : SagaEvent;

/// <summary>How a relocation ended, or that it waits for a person.</summary>
public enum RelocationOutcome
{
    /// <summary>The app runs on the target, verified.</summary>
    Completed,

    /// <summary>A step failed; everything was undone.</summary>
    Compensated,

    /// <summary>A person aborted; everything was undone.</summary>
    Aborted,

    /// <summary>Neither on nor back without a person.</summary>
    NeedsAttention,
}
