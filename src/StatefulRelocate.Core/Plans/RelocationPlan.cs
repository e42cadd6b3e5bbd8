using System.Collections.Immutable;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Core.Plans;

/// <summary>What will be done: the input of the saga, shown by <c>relocate plan</c>, stored before anything runs.</summary>
public sealed record RelocationPlan
{
    /// <summary>The id of this relocation: <c>images-edge-a-edge-b-20261123-001500-4f2a</c>; unique, safe in file and object names.</summary>
    public required string RelocationId { get; init; }

    /// <summary>The version of the saga machine that must run this plan.</summary>
    public required int MachineVersion { get; init; }

    /// <summary>What the user asked for.</summary>
    public required RelocationSpec Spec { get; init; }

    /// <summary>The steps in plan order. Rounds appear once, as <c>snapshot</c> and <c>restore</c>; the machine numbers them (<c>snapshot-2</c>).</summary>
    public required ImmutableArray<PlannedStep> Steps { get; init; }
}

/// <summary>One step of a plan.</summary>
public sealed record PlannedStep
{
    /// <summary>The id: the kind, with the side where a kind stands on both (<c>preflight-source</c>). Rounds get their number from the machine.</summary>
    public required string Id { get; init; }

    /// <summary>One of <see cref="StepKind"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>The cluster whose agent runs it, or null when no activity runs (<c>gate</c>).</summary>
    public string? Cluster { get; init; }

    /// <summary>The task queue that the cluster's agents poll, for engines that have queues; null when no activity runs.</summary>
    public string? TaskQueue { get; init; }

    /// <summary>
    /// The kinds that the same activity does after its own, in order, on the same cluster: a hop through a workflow engine costs tens of milliseconds. Each
    /// is recorded and reported as a step of its own; the undo undoes all of them, the last first. Empty: its own kind only.
    /// </summary>
    public ImmutableArray<string> Fused { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>The steps that must have completed before this one is dispatched.</summary>
    public ImmutableArray<string> DependsOn { get; init; } = [];

    /// <summary>The steps that must have ended or been undone before this one's undo is dispatched.</summary>
    public ImmutableArray<string> UndoAfter { get; init; } = [];

    /// <summary>Whether the step changes the world, so that an undo is run for it.</summary>
    public bool HasUndo { get; init; }

    /// <summary>The most time one attempt may take, from its dispatch to its result.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The most time until an agent takes an attempt from its queue, for engines that have queues. Default: 1 min.</summary>
    public TimeSpan ScheduleToStartTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The most time for all attempts together, or null: bounded by their number.</summary>
    public TimeSpan? ScheduleToCloseTimeout { get; init; }

    /// <summary>The most time between two heartbeats of an attempt.</summary>
    public TimeSpan HeartbeatTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How the engine retries attempts of the do.</summary>
    public RetryPolicy Retry { get; init; } = new();

    /// <summary>How the engine retries attempts of the undo.</summary>
    public RetryPolicy UndoRetry { get; init; } = new();
}

/// <summary>How an engine retries the attempts of one step.</summary>
public sealed record RetryPolicy
{
    /// <summary>The most attempts, the first included. Default: 3.</summary>
    public int MaximumAttempts { get; init; } = 3;

    /// <summary>The wait before the second attempt. Default: 200 ms.</summary>
    public TimeSpan InitialInterval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The factor from one wait to the next. Default: 2.</summary>
    public double BackoffCoefficient { get; init; } = 2;

    /// <summary>The longest wait. Default: 5 s.</summary>
    public TimeSpan MaximumInterval { get; init; } = TimeSpan.FromSeconds(5);
}
