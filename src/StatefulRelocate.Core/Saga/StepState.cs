using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Core.Saga;

/// <summary>How far one direction of a step is.</summary>
public enum RunStatus
{
    /// <summary>Never dispatched.</summary>
    Pending,

    /// <summary>Dispatched, no result yet; a gate: waiting for a person.</summary>
    Running,

    /// <summary>Done, or marked as done by an operator.</summary>
    Completed,

    /// <summary>Answered with a failure.</summary>
    Failed,

    /// <summary>Not answered in time: unknown, maybe still running.</summary>
    Lapsed,
}

/// <summary>One direction of a step: its latest dispatch and what is known of the earlier ones.</summary>
public sealed record StepRun
{
    /// <summary>A direction that was never dispatched.</summary>
    public static StepRun None { get; } = new();

    /// <summary>How far the latest dispatch is.</summary>
    public RunStatus Status { get; init; }

    /// <summary>The sequence number of the latest dispatch, 0 before the first.</summary>
    public long Sequence { get; init; }

    /// <summary>Dispatches since the start or since the last <see cref="Resume"/>; bounded.</summary>
    public int Tries { get; init; }

    /// <summary>When the first dispatch was recorded; a retry keeps it.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When the latest result was recorded; null while it runs.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Whether the latest dispatch was asked to stop.</summary>
    public bool CancelRequested { get; init; }

    /// <summary>Whether some dispatch ended without the certainty that it had no effect. Stays set.</summary>
    public bool Unclear { get; init; }

    /// <summary>The output, once completed.</summary>
    public StepOutput? Output { get; init; }

    /// <summary>Why the latest dispatch failed or lapsed; kept while it is tried again.</summary>
    public StepFailure? Failure { get; init; }

    /// <summary>Why an operator marked it as done, or null.</summary>
    public string? MarkedDone { get; init; }

    /// <summary>Whether it was ever dispatched, so that an undo is due.</summary>
    public bool Dispatched => Sequence > 0;

    /// <summary>Whether the latest dispatch ended without success.</summary>
    public bool Broken => Status is RunStatus.Failed or RunStatus.Lapsed;
}

/// <summary>A step of a running relocation.</summary>
public sealed record StepState
{
    /// <summary>The id, with the round where there is one: <c>snapshot-2</c>.</summary>
    public required string Id { get; init; }

    /// <summary>What the plan says about it. A round's steps share the plan's <c>snapshot</c> and <c>restore</c>.</summary>
    public required PlannedStep Planned { get; init; }

    /// <summary>The pre-copy round, from 1; 0 where there is none.</summary>
    public int Round { get; init; }

    /// <summary>The effect.</summary>
    public StepRun Do { get; init; } = StepRun.None;

    /// <summary>Its inverse.</summary>
    public StepRun Undo { get; init; } = StepRun.None;

    /// <summary>One of <see cref="StepKind"/>.</summary>
    public string Kind => Planned.Kind;

    /// <summary>The cluster whose agent acts, or null (<c>gate</c>).</summary>
    public string? Cluster => Planned.Cluster;

    /// <summary>The run of one direction.</summary>
    public StepRun Run(StepDirection direction) => direction == StepDirection.Do ? Do : Undo;

    internal StepState With(StepDirection direction, StepRun run) =>
        direction == StepDirection.Do ? this with { Do = run } : this with { Undo = run };
}
