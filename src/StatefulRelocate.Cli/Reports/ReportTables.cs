using System.Globalization;
using StatefulRelocate.Core.Reports;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Cli.Reports;

/// <summary>A table of a report: what is shown, without how.</summary>
/// <param name="Title">The heading.</param>
/// <param name="Columns">The headings of the columns; one that begins with <c>&gt;</c> is set to the right.</param>
/// <param name="Rows">The cells.</param>
internal sealed record ReportTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows);

/// <summary>The tables of a report.</summary>
internal static class ReportTables
{
    public static IEnumerable<ReportTable> Of(RelocationReport report)
    {
        if (report.Rounds.Length > 0)
            yield return Rounds(report);
        if (report.Steps.Length > 0)
            yield return Steps(report);
        if (report.Blackout.Length > 0)
            yield return Blackout(report);
        yield return Figures(report);
    }

    private static ReportTable Rounds(RelocationReport report) => new(
        "Rounds",
        ["round", ">scanned", ">changed", ">shipped", ">took", ">dirty rate"],
        [
            .. report.Rounds.Select(static round => (string[])
            [
                round.Final ? $"{round.Number} (final)" : Text(round.Number),
                Quantities.Bytes(round.BytesScanned),
                Quantities.Bytes(round.BytesChanged),
                Quantities.Bytes(round.BytesShipped),
                Quantities.Milliseconds(round.DurationMs),
                round.DirtyBytesPerSecond is { } rate ? $"{Quantities.Bytes((long)rate)}/s" : "",
            ]),
        ]);

    private static ReportTable Steps(RelocationReport report) => new(
        "Steps",
        ["step", "outcome", ">began", ">took", ""],
        [
            .. report.Steps.Select(step => (string[])
            [
                step.Id,
                Outcome(step.Outcome),
                Quantities.Milliseconds((step.StartedAt - report.Steps[0].StartedAt).TotalMilliseconds),
                Quantities.Milliseconds(step.DurationMs),
                string.Join(", ", Notes(step)),
            ]),
        ]);

    private static ReportTable Blackout(RelocationReport report) => new(
        "What the blackout was spent on",
        [">at", ">took", "step", "of which"],
        [
            .. report.Blackout.Select(static entry => (string[])
            [
                Quantities.Milliseconds(entry.OffsetMs),
                Quantities.Milliseconds(entry.DurationMs),
                entry.Step,
                string.Join(", ", entry.Parts.Select(static part => $"{part.Name} {Quantities.Milliseconds(part.DurationMs)}")),
            ]),
        ]);

    private static ReportTable Figures(RelocationReport report)
    {
        var rows = new List<string[]>();
        Add(rows, "outcome", report.Outcome is { } outcome ? Outcome(outcome) : "not ended");
        Add(rows, "reason", report.Reason);
        Add(rows, "served by", report.ServedBy);
        Add(rows, "downtime", report.DowntimeMs is { } downtime ? Quantities.Milliseconds(downtime) : null);
        Add(rows, "predicted downtime", report.PredictedDowntimeMs is { } predicted ? Quantities.Milliseconds(predicted) : null);
        Add(rows, "hops in the blackout", report.Hops.Length > 0
            ? $"{Quantities.Count(report.Hops.Length)}: {string.Join(", ", report.Hops.Select(static hop => $"{string.Join(" + ", hop.Steps)} {Quantities.Milliseconds(hop.DurationMs)}"))}"
            : null);
        Add(rows, "acknowledged writes", report.AcknowledgedWrites is { } writes ? Quantities.Count(writes) : null);
        Add(rows, "acknowledged writes lost", report.AcknowledgedWritesLost is { } lost ? Quantities.Count(lost) : null);
        foreach (var interval in report.AcknowledgedBy)
            Add(rows, $"acknowledged by {interval.Cluster}", $"{Time(interval.From)} to {Time(interval.To)}");
        Add(rows, "failed requests", report.FailedRequests is { } failed ? Quantities.Count(failed) : null);
        foreach (var crash in report.Crashes)
            Add(rows, $"engine killed at {crash.Step}", $"process {crash.KilledPid}; {(crash.ResumedPid is { } pid ? $"process {pid} went on" : "none went on")}");
        Add(rows, "volume hash, source", report.VolumeHash.Source);
        Add(rows, "volume hash, target", report.VolumeHash.Target);
        if (report.Kept is { } kept)
        {
            foreach (var url in kept.Urls)
                Add(rows, "open", url);
            Add(rows, "name", $"{kept.Name}, asked at {kept.DnsServer}");
            foreach (var log in kept.ClientLogs)
                Add(rows, "client log", log);
            Add(rows, "Temporal", kept.Temporal);
            Add(rows, "Temporal UI", kept.TemporalUi);
            Add(rows, "end it", kept.End);
        }

        return new ReportTable("Result", ["", ""], rows);
    }

    public static string Outcome(RelocationOutcome outcome) => outcome switch
    {
        RelocationOutcome.Completed => "completed",
        RelocationOutcome.Compensated => "compensated: a step failed, everything was undone",
        RelocationOutcome.Aborted => "aborted: everything was undone",
        _ => "needs attention",
    };

    private static string Outcome(StepReportOutcome outcome) => outcome switch
    {
        StepReportOutcome.TimedOut => "timed out",
        StepReportOutcome.MarkedDone => "marked done",
        _ => outcome.ToString().ToLowerInvariant(),
    };

    private static IEnumerable<string> Notes(StepReport step)
    {
        if (step.Injected)
            yield return "failure injected";
        if (step.Undone)
            yield return "undone";
        if (step.AfterPointOfNoReturn)
            yield return "after the point of no return";
    }

    private static void Add(List<string[]> rows, string name, string? value)
    {
        if (value is not null)
            rows.Add([name, value]);
    }

    private static string Time(DateTimeOffset time) => time.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
