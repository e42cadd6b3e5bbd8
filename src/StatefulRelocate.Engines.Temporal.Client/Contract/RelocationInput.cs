using System.Collections.Immutable;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Engines.Temporal.Client.Contract;

/// <summary>
/// The input of the workflow: a plan, or a spec that the workflow plans by itself. Whoever types it by hand may also give the bare spec or the bare plan.
/// </summary>
public sealed record RelocationInput
{
    /// <summary>What to do; null where a spec is given.</summary>
    public RelocationPlan? Plan { get; init; }

    /// <summary>What the user asked for; null where a plan is given.</summary>
    public RelocationSpec? Spec { get; init; }

    /// <summary>
    /// Whether an earlier run of this relocation ended without its end (terminated, timed out, failed): this run takes over what it finds.
    /// </summary>
    public bool TakeOver { get; init; }

    /// <summary>A continued run: all events so far; folding them gives the state.</summary>
    public ImmutableArray<SagaEvent> Events { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>A continued run: the runs that it continues, oldest first. Agents accept what one of these did before.</summary>
    public ImmutableArray<string> EarlierRuns { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>Failures to inject, for rehearsals: a step's kind or id, with <c>:before</c> or <c>:after</c>.</summary>
    public ImmutableArray<string> FailAt { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>Whether the server knows the search attributes of <see cref="RelocationAttributes"/>; without them the phase goes into the memo.</summary>
    public bool SearchAttributes { get; init; }

    /// <summary>The history length (events) from which the run continues as new where it may; null: when the server suggests it.</summary>
    public int? ContinueAfter { get; init; }
}

/// <summary>The argument of a signal or update; every field may be left out.</summary>
public sealed record SignalInput
{
    /// <summary>Counts once, whatever is sent again under it. Default: a fresh one.</summary>
    public string? Id { get; init; }

    /// <summary><c>approve</c>: who.</summary>
    public string? By { get; init; }

    /// <summary><c>abort</c>, <c>mark-done</c>: why.</summary>
    public string? Reason { get; init; }

    /// <summary><c>mark-done</c>: the step.</summary>
    public string? Step { get; init; }
}

/// <summary>What an update answers.</summary>
/// <param name="Accepted">Whether it changed, or will change, what happens.</param>
/// <param name="Answer">One line for a person.</param>
public sealed record SignalReply(bool Accepted, string Answer);

/// <summary>The result of a workflow that ended without a failure.</summary>
public sealed record RelocationResult
{
    /// <summary>How it ended.</summary>
    public required RelocationOutcome Outcome { get; init; }

    /// <summary>Why, or null.</summary>
    public string? Reason { get; init; }
}
