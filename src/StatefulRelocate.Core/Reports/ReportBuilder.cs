using System.Collections.Immutable;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Reports;

/// <summary>Builds the report of a relocation from its journal and, where there were clients, from what they saw.</summary>
public static class ReportBuilder
{
    /// <summary>The report. Without <paramref name="clients"/> everything that only a client can know is null.</summary>
    /// <param name="plan">The plan, as stored in the journal.</param>
    /// <param name="events">The whole journal of the relocation, in order.</param>
    /// <param name="clients">What the clients saw, or null when there were none.</param>
    /// <param name="predictedDowntime">What the saga predicted when it decided to cut over, or null.</param>
    public static RelocationReport Build(
        RelocationPlan plan, IReadOnlyList<SagaEvent> events, ClientObservations? clients = null, TimeSpan? predictedDowntime = null)
    {
        var timeline = StepTimeline.Read(plan, events);
        var (outcome, reason) = EndOf(events);
        var blackout = BlackoutAccount.BoundsOf(timeline, clients?.Resolving ?? []);
        var gap = clients is null ? null : ServiceGap.Longest(clients.Resolving);
        return new RelocationReport
        {
            Relocation = plan.RelocationId,
            Outcome = outcome,
            Reason = reason,
            ServedBy = outcome switch
            {
                RelocationOutcome.Completed => plan.Spec.Target,
                // A failed preflight may be about the very thing: that the source does not run the app.
                RelocationOutcome.Compensated or RelocationOutcome.Aborted when WentPastPreflight(events) => plan.Spec.Source,
                _ => null,
            },
            DowntimeMs = gap is null ? null : Milliseconds.Of(gap.Duration),
            PredictedDowntimeMs = predictedDowntime is { } predicted ? Milliseconds.Of(predicted) : null,
            AcknowledgedWrites = clients is null ? null : clients.Resolving.Length + clients.Others.Length,
            AcknowledgedWritesLost = clients?.Lost,
            AcknowledgedBy = clients is null ? [] : AcknowledgedIntervals.From([.. clients.Resolving, .. clients.Others]),
            FailedRequests = clients?.FailedRequests,
            Rounds = RoundsOf(timeline),
            Steps = StepsOf(timeline),
            Blackout = BlackoutAccount.Of(timeline, blackout),
            Hops = BlackoutHops.Of(timeline, blackout),
            VolumeHash = new VolumeHashReport(
                timeline.Do(StepKind.FinalSnapshot)?.Output?.VolumeHash, timeline.Do(StepKind.Verify)?.Output?.VolumeHash),
        };
    }

    private static bool WentPastPreflight(IReadOnlyList<SagaEvent> events)
        => events.Any(static happened => happened is StepStarted started && !started.Step.StartsWith(StepKind.Preflight, StringComparison.Ordinal));

    private static (RelocationOutcome? Outcome, string? Reason) EndOf(IReadOnlyList<SagaEvent> events)
    {
        (RelocationOutcome?, string?) end = (null, null);
        foreach (var e in events)
        {
            end = e switch
            {
                RelocationEnded ended => (ended.Outcome, ended.Reason),
                AttentionRequested attention => (RelocationOutcome.NeedsAttention, attention.Reason),
                SignalReceived { Signal: Resume or MarkDone } when end.Item1 == RelocationOutcome.NeedsAttention => (null, null),
                _ => end,
            };
        }

        return end;
    }

    private static ImmutableArray<RoundReport> RoundsOf(StepTimeline timeline)
    {
        var rounds = ImmutableArray.CreateBuilder<RoundReport>();
        foreach (var snapshot in timeline.Dos)
        {
            var final = string.Equals(snapshot.Kind, StepKind.FinalSnapshot, StringComparison.Ordinal);
            if ((!final && !string.Equals(snapshot.Kind, StepKind.Snapshot, StringComparison.Ordinal)) || snapshot.Output?.Figures is not { } figures)
                continue;
            var restore = final ? StepKind.FinalRestore : $"{StepKind.Restore}{snapshot.Step.AsSpan(StepKind.Snapshot.Length)}";
            var ended = snapshot.EndedAt!.Value;
            if (timeline.Do(restore)?.EndedAt is { } restored && restored > ended)
                ended = restored;
            rounds.Add(new RoundReport
            {
                Number = rounds.Count + 1,
                Final = final,
                BytesScanned = figures.BytesScanned,
                BytesChanged = figures.BytesChanged,
                BytesShipped = figures.BytesShipped,
                DurationMs = Milliseconds.Of(ended - snapshot.StartedAt),
                DirtyBytesPerSecond = figures.SincePrevious is { Ticks: > 0 } since ? Math.Round(figures.BytesChanged / since.TotalSeconds) : null,
            });
        }

        return rounds.ToImmutable();
    }

    private static ImmutableArray<StepReport> StepsOf(StepTimeline timeline) =>
    [
        .. timeline.Dos.Select(run => new StepReport
        {
            Id = run.Step,
            Kind = run.Kind,
            Outcome = run.ReportedOutcome,
            StartedAt = run.StartedAt,
            DurationMs = Milliseconds.Of((run.EndedAt ?? timeline.End!.Value) - run.StartedAt),
            Undone = timeline.UndoOf(run) is { Outcome: StepReportOutcome.Completed or StepReportOutcome.MarkedDone },
            Injected = run.Injected,
            AfterPointOfNoReturn = run.AfterPointOfNoReturn,
        }),
    ];
}
