using System.Collections.Immutable;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Reports;

/// <summary>
/// The hops of the blackout: each is one decision of the engine that dispatched steps which the app then waited for. Through a workflow engine every one
/// costs tens of milliseconds, whatever its steps do.
/// </summary>
internal static class BlackoutHops
{
    public static ImmutableArray<HopReport> Of(StepTimeline timeline, (DateTimeOffset From, DateTimeOffset To)? bounds)
    {
        if (bounds is not (var from, var to))
            return [];
        var hops = ImmutableArray.CreateBuilder<HopReport>();
        var decisions = timeline.Dispatches
            .Where(dispatch => dispatch.At < to && BlackoutAccount.IsWaitedFor(dispatch.Kind, dispatch.Direction))
            .GroupBy(static dispatch => dispatch.Decision)
            .Select(static decision => (decision.First().At, Dispatches: decision.ToArray()))
            .ToArray();
        for (var i = 0; i < decisions.Length; i++)
        {
            // The first one begins while the app still serves: only what is inside the blackout counts.
            var (at, dispatches) = decisions[i];
            at = at < from ? from : at;
            var ended = i + 1 < decisions.Length ? decisions[i + 1].At : dispatches.Max(timeline.EndOf);
            ended = ended < at ? at : ended > to ? to : ended;
            hops.Add(new HopReport
            {
                Steps = [.. dispatches.Select(static dispatch => dispatch.Direction == StepDirection.Do ? dispatch.Step : $"undo {dispatch.Step}")],
                OffsetMs = Milliseconds.Of(at - from),
                DurationMs = Milliseconds.Of(ended - at),
            });
        }

        return hops.ToImmutable();
    }
}
