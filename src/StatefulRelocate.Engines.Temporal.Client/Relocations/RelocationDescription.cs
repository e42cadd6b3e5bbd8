using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Engines.Temporal.Client.Relocations;

/// <summary>How the latest run of a relocation stands with the Temporal server, whether a worker of ours lives or not.</summary>
public sealed record RelocationDescription
{
    /// <summary>The relocation.</summary>
    public required string Id { get; init; }

    /// <summary>The run.</summary>
    public required string RunId { get; init; }

    /// <summary>What became of the run.</summary>
    public required RunStanding Standing { get; init; }

    /// <summary>When the run was started (UTC).</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>How often the server gave the current workflow task to a worker; above 1 something is wrong there. 0: there is none.</summary>
    public int WorkflowTaskAttempt { get; init; }

    /// <summary>Since when the current workflow task waits for a worker, or null: none waits.</summary>
    public DateTimeOffset? WorkflowTaskWaitsSince { get; init; }

    /// <summary>The steps that an agent was asked for and has not answered.</summary>
    public ImmutableArray<PendingStep> Pending { get; init; } = [];
}

/// <summary>What became of a run of a workflow.</summary>
public enum RunStanding
{
    /// <summary>It runs.</summary>
    Running,

    /// <summary>It came to its end: completed, aborted or compensated.</summary>
    Ended,

    /// <summary>It was terminated, timed out, or failed by a defect, with the relocation in the middle; <c>relocate resume</c> takes over.</summary>
    Broken,

    /// <summary>Its input made no sense; nothing was touched.</summary>
    Refused,
}

/// <summary>A step that an agent was asked for.</summary>
/// <param name="Activity">The activity's id: the step, with <c>undo</c> before it where it is undone.</param>
/// <param name="Attempt">The attempt, from 1.</param>
/// <param name="Taken">Whether an agent took it from its queue.</param>
/// <param name="Since">When the attempt was put into the queue or taken from it (UTC), or null while the next attempt is waited for.</param>
/// <param name="LastFailure">Why the attempt before failed, or null.</param>
/// <param name="Progress">What the last heartbeat said, or null.</param>
public sealed record PendingStep(string Activity, int Attempt, bool Taken, DateTimeOffset? Since, string? LastFailure, ActivityProgress? Progress)
{
    /// <summary>The step's id, with its round.</summary>
    public string Step
    {
        get
        {
            var step = Activity.StartsWith("undo ", StringComparison.Ordinal) ? Activity[5..] : Activity;
            return step.IndexOf(' ', StringComparison.Ordinal) is > 0 and var end ? step[..end] : step;
        }
    }
}

/// <summary>One relocation in a list.</summary>
/// <param name="Id">The relocation.</param>
/// <param name="StartedAt">When its latest run was started (UTC).</param>
/// <param name="Standing">What became of that run.</param>
/// <param name="Phase">What the relocation said last of itself, in one to three words, or null: nothing.</param>
public sealed record RelocationSummary(string Id, DateTimeOffset StartedAt, RunStanding Standing, string? Phase);
