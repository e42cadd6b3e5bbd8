using System.Collections.Immutable;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Reports;

/// <summary>
/// The hops of the blackout: each is one decision of the engine that dispatched steps which the app then waited for. Through a workflow engine every one
/// costs tens of milliseconds, whatever its steps do.
/// </summary>
internal static class BlackoutHops
{
    public static ImmutableArray<HopReport> Of(StepTimeline timeline, DateTimeOffset? origin)
    {
        if (origin is not { } from)
            return [];
        var hops = ImmutableArray.CreateBuilder<HopReport>();
        var dispatches = timeline.Dispatches.Where(static dispatch => BlackoutAccount.IsWaitedFor(dispatch.Kind, dispatch.Direction));

        // Steps that one decision dispatches carry the same time.
        var decisions = dispatches.GroupBy(static dispatch => dispatch.At).OrderBy(static decision => decision.Key).ToArray();
        for (var i = 0; i < decisions.Length; i++)
        {
            var ended = i + 1 < decisions.Length ? decisions[i + 1].Key : decisions[i].Max(dispatch => timeline.EndOf(dispatch));
            hops.Add(new HopReport
            {
                Steps = [.. decisions[i].Select(static dispatch => dispatch.Direction == StepDirection.Do ? dispatch.Step : $"undo {dispatch.Step}")],
                OffsetMs = Milliseconds.Of(decisions[i].Key - from),
                DurationMs = Milliseconds.Of(ended - decisions[i].Key),
            });
        }

        return hops.ToImmutable();
    }
}
