using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines;

namespace StatefulRelocate.Cli.Running;

/// <summary>One relocation as its engine keeps it: a plan and events, which the same machine folds wherever they are kept.</summary>
internal interface IRelocationLog
{
    /// <summary>The plan; its relocation's id is that of the log.</summary>
    RelocationPlan Plan { get; }

    /// <summary>What hinders it now, in one line, or null. May change with every read.</summary>
    string? Notice { get; }

    /// <summary>Why no more events will come though the relocation is not over, or null.</summary>
    string? Gone { get; }

    /// <summary>The events after a place; none where nothing was added or nobody answers now.</summary>
    Task<LoggedEvents> ReadAsync(int after, CancellationToken cancellationToken);

    /// <summary>What the steps in flight are at, by their ids.</summary>
    Task<IReadOnlyDictionary<string, ActivityProgress>> ReadProgressAsync(CancellationToken cancellationToken);

    /// <summary>The faults that were asked for and what became of them.</summary>
    /// <param name="events">All events so far.</param>
    IReadOnlyList<JournaledFault> ReadFaults(IReadOnlyList<SagaEvent> events);

    /// <summary>Who carries it on, and what with; lines for <c>relocate status</c>.</summary>
    Task<IReadOnlyList<string>> DescribeEngineAsync(CancellationToken cancellationToken);
}

/// <summary>What was added to a log.</summary>
/// <param name="Events">In order.</param>
/// <param name="Anew">Whether they are all there are, and what was read before no longer counts: somebody reset the relocation's workflow.</param>
internal sealed record LoggedEvents(IReadOnlyList<SagaEvent> Events, bool Anew = false);
