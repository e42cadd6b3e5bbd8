using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Reports;

/// <summary>
/// Says for every instant of the downtime what the app waited for. Steps run side by side there (the final restore already waits
/// while the source is still being quiesced), so each instant belongs to the running step that ends first: it is the one that the
/// others wait for.
/// </summary>
internal static class BlackoutAccount
{
    /// <summary>A hand-over between two steps that is shorter than this is counted with the step before it.</summary>
    private static readonly TimeSpan Notable = TimeSpan.FromMilliseconds(0.5);
    private const string Engine = "engine";
    private const string Client = "client";

    private static readonly ImmutableArray<string> Kinds =
    [
        StepKind.Quiesce, StepKind.Fence, StepKind.FinalSnapshot, StepKind.FinalRestore, StepKind.Verify, StepKind.Start, StepKind.Ready,
        StepKind.DnsSwitch,
    ];

    private static readonly ImmutableArray<string> UndoKinds = [StepKind.Quiesce, StepKind.Fence, StepKind.Start];

    /// <summary>Whether the app waits for it while it is down.</summary>
    public static bool IsWaitedFor(string kind, StepDirection direction) => (direction == StepDirection.Do ? Kinds : UndoKinds).Contains(kind);

    /// <summary>From the last acknowledged write before to the first one after; without clients from quiesce to the last step. Null when the app was never stopped.</summary>
    public static (DateTimeOffset From, DateTimeOffset To)? BoundsOf(StepTimeline timeline, ImmutableArray<AcknowledgedWrite> writes)
    {
        if (timeline.Do(StepKind.Quiesce) is not { } quiesce)
            return null;
        var serviceEnd = SpansOf(timeline).Max(static span => span.End);
        // A busy disk may have made the clients wait longer at another time: that is no part of the blackout.
        return ServiceGap.Longest(writes, quiesce.StartedAt, serviceEnd) is { } gap ? (gap.Before.At, gap.After.At) : (quiesce.StartedAt, serviceEnd);
    }

    public static ImmutableArray<BlackoutReport> Of(StepTimeline timeline, (DateTimeOffset From, DateTimeOffset To)? bounds)
    {
        if (bounds is not (var from, var to))
            return [];
        var spans = SpansOf(timeline);

        var cuts = new SortedSet<DateTimeOffset> { from, to };
        foreach (var span in spans)
        {
            if (span.Start > from && span.Start < to)
                cuts.Add(span.Start);
            if (span.End > from && span.End < to)
                cuts.Add(span.End);
        }

        return Merge(cuts, spans, from);
    }

    private static List<Span> SpansOf(StepTimeline timeline)
    {
        var end = timeline.End!.Value;
        var spans = new List<Span>();
        foreach (var run in timeline.Dos)
            if (Kinds.Contains(run.Kind) && Begin(timeline, run) is { } begin && begin <= (run.EndedAt ?? end))
                spans.Add(new Span(run.Step, begin, run.EndedAt ?? end, run.Parts));
        foreach (var run in timeline.Undos)
            if (UndoKinds.Contains(run.Kind))
                spans.Add(new Span($"undo {run.Step}", run.StartedAt, run.EndedAt ?? end, run.Parts));
        return spans;
    }

    /// <summary>The final restore is dispatched with quiesce and only waits until the final snapshot is sealed; what it takes after that is its own.</summary>
    private static DateTimeOffset? Begin(StepTimeline timeline, StepTimeline.Run run) =>
        string.Equals(run.Kind, StepKind.FinalRestore, StringComparison.Ordinal) ? timeline.Do(StepKind.FinalSnapshot)?.EndedAt : run.StartedAt;

    private static ImmutableArray<BlackoutReport> Merge(SortedSet<DateTimeOffset> cuts, List<Span> spans, DateTimeOffset origin)
    {
        var serviceStart = spans.Min(static span => span.Start);
        var serviceEnd = spans.Max(static span => span.End);
        var result = ImmutableArray.CreateBuilder<BlackoutReport>();
        var points = cuts.ToArray();
        for (var i = 0; i + 1 < points.Length; i++)
        {
            var (start, end) = (points[i], points[i + 1]);
            Span? owner = null;
            foreach (var span in spans)
                if (span.Start <= start && span.End >= end && (owner is null || span.End < owner.End))
                    owner = span;
            var name = owner?.Name ?? (start >= serviceEnd || end <= serviceStart ? Client : Engine);
            var isNothing = string.Equals(name, Engine, StringComparison.Ordinal) && end - start < Notable;
            if (result.Count > 0 && (isNothing || string.Equals(result[^1].Step, name, StringComparison.Ordinal)))
            {
                result[^1] = result[^1] with { DurationMs = Milliseconds.Of(end - origin - TimeSpan.FromMilliseconds(result[^1].OffsetMs)) };
                continue;
            }

            result.Add(new BlackoutReport
            {
                Step = name,
                OffsetMs = Milliseconds.Of(start - origin),
                DurationMs = Milliseconds.Of(end - start),
                Parts = owner is null ? [] : [.. owner.Parts.Select(static part => new BlackoutPartReport(part.Name, Milliseconds.Of(part.Duration)))],
            });
        }

        // Of a step that waited for another in between, the account of its time comes once, with its last stretch.
        return [.. result.Select((entry, place) => result.Skip(place + 1).Any(later => later.Step == entry.Step) ? entry with { Parts = [] } : entry)];
    }

    private sealed record Span(string Name, DateTimeOffset Start, DateTimeOffset End, ImmutableArray<StepPart> Parts);
}
