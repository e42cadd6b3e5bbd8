using System.Text.Json.Serialization;

namespace StatefulRelocate.Core.Saga;

/// <summary>What a person or a program says to a running relocation.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "signal")]
[JsonDerivedType(typeof(Approve), "approve")]
[JsonDerivedType(typeof(Pause), "pause")]
[JsonDerivedType(typeof(Resume), "resume")]
[JsonDerivedType(typeof(Abort), "abort")]
[JsonDerivedType(typeof(MarkDone), "markDone")]
public abstract record Signal;

/// <summary>The gate opens.</summary>
public sealed record Approve(string? By = null) : Signal;

/// <summary>No new step is dispatched, outside the blackout.</summary>
public sealed record Pause : Signal;

/// <summary>Goes on after a pause, or tries again after <see cref="RelocationOutcome.NeedsAttention"/>.</summary>
public sealed record Resume : Signal;

/// <summary>Undo everything, before the point of no return.</summary>
public sealed record Abort(string? Reason = null) : Signal;

/// <summary>An operator says that a step (or the undo of it) is done, and why he knows.</summary>
public sealed record MarkDone(string Step, string Reason) : Signal;
