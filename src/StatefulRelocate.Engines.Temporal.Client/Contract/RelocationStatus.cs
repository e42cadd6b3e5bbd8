using System.Collections.Immutable;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Engines.Temporal.Client.Contract;

/// <summary>Where a relocation is, for people and programs that know nothing of its events.</summary>
public sealed record RelocationStatus
{
    /// <summary>The relocation.</summary>
    public required string Relocation { get; init; }

    /// <summary>The app.</summary>
    public required string App { get; init; }

    /// <summary>Where it came from.</summary>
    public required string Source { get; init; }

    /// <summary>Where it goes.</summary>
    public required string Target { get; init; }

    /// <summary>One or two words, as <c>relocate status</c> says it.</summary>
    public required string State { get; init; }

    /// <summary>How it ended, or null.</summary>
    public RelocationOutcome? Outcome { get; init; }

    /// <summary>Why it ended that way or is being undone, or null.</summary>
    public string? Reason { get; init; }

    /// <summary>What a person has to look at, or null.</summary>
    public string? Attention { get; init; }

    /// <summary>Whether failures are handled by going forward.</summary>
    public bool PointOfNoReturn { get; init; }

    /// <summary>The epoch of the lease, 0 before it is known.</summary>
    public long Epoch { get; init; }

    /// <summary>The steps in plan order.</summary>
    public required ImmutableArray<StepStatus> Steps { get; init; }
}

/// <summary>One step.</summary>
/// <param name="Id">The id, with its round.</param>
/// <param name="Cluster">Whose agent runs it, or null.</param>
/// <param name="Do">How far the effect is.</param>
/// <param name="Undo">How far its inverse is, or null where it was never asked for.</param>
public sealed record StepStatus(string Id, string? Cluster, RunStatus Do, RunStatus? Undo);

/// <summary>How far a relocation is, in numbers.</summary>
public sealed record RelocationProgress
{
    /// <summary>Steps whose effect is there.</summary>
    public int StepsDone { get; init; }

    /// <summary>Steps known so far; a further round adds to them.</summary>
    public int StepsTotal { get; init; }

    /// <summary>The pre-copy round under way or done last, 0 before the first.</summary>
    public int Round { get; init; }

    /// <summary>Bytes put into the object store so far.</summary>
    public long BytesShipped { get; init; }

    /// <summary>The blackout predicted after the last round, in milliseconds, or null.</summary>
    public double? PredictedDowntimeMs { get; init; }
}

/// <summary>Some of the events of a relocation.</summary>
/// <param name="Events">In order, from the place that was asked for.</param>
/// <param name="Total">How many there are in all.</param>
/// <param name="Run">The run that answers.</param>
/// <param name="EarlierRuns">The runs whose events it goes on from; those of any other are not these.</param>
public sealed record EventPage(ImmutableArray<SagaEvent> Events, long Total, string Run, ImmutableArray<string> EarlierRuns);
