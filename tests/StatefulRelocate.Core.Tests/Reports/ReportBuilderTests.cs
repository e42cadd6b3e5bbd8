using System.Text.Json;
using StatefulRelocate.Core.Reports;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Tests.Reports;

public sealed class ReportBuilderTests
{
    private static readonly ClientObservations Observed = new()
    {
        Resolving = JournalSketch.Writes(("edge-a", 0), ("edge-a", 500), ("edge-a", 990), ("edge-b", 1230), ("edge-b", 1400)),
        Others = JournalSketch.Writes(("edge-a", 100), ("edge-a", 995)),
        FailedRequests = 7,
    };

    private static RelocationReport Completed() =>
        ReportBuilder.Build(JournalSketch.Plan, JournalSketch.WholeMove().Events, Observed, TimeSpan.FromMilliseconds(210));

    [Fact]
    public void Downtime_is_the_longest_time_between_two_acknowledged_writes_of_the_resolving_client()
    {
        var slow = Observed with { Resolving = JournalSketch.Writes(("edge-a", 0), ("edge-a", 10), ("edge-b", 300), ("edge-b", 400)) };

        Assert.Equal(290, ReportBuilder.Build(JournalSketch.Plan, JournalSketch.WholeMove().Events, slow).DowntimeMs);
    }

    [Fact]
    public void The_blackout_is_accounted_for_without_gaps_from_the_last_write_to_the_first()
    {
        var report = ReportBuilder.Build(
            JournalSketch.Plan,
            JournalSketch.WholeMove().Events,
            Observed with { Resolving = JournalSketch.Writes(("edge-a", 985), ("edge-a", 990), ("edge-b", 1230), ("edge-b", 1235)) });

        Assert.Equal(240, report.DowntimeMs);
        Assert.Equal(
            ["client", "quiesce", "engine", "fence", "final-snapshot", "final-restore", "verify", "start", "ready", "engine", "dns-switch", "client"],
            report.Blackout.Select(static entry => entry.Step));
        Assert.Equal(report.DowntimeMs!.Value, report.Blackout.Sum(static entry => entry.DurationMs), 3);
        for (var i = 1; i < report.Blackout.Length; i++)
            Assert.Equal(report.Blackout[i - 1].OffsetMs + report.Blackout[i - 1].DurationMs, report.Blackout[i].OffsetMs, 3);
        Assert.Equal("scan", Assert.Single(report.Blackout[4].Parts).Name);
    }

    [Fact]
    public void A_longer_silence_at_another_time_is_the_downtime_and_no_part_of_the_blackout()
    {
        var report = ReportBuilder.Build(JournalSketch.Plan, JournalSketch.WholeMove().Events, Observed);

        Assert.Equal(500, report.DowntimeMs);
        Assert.Equal(240, report.Blackout.Sum(static entry => entry.DurationMs), 3);
    }

    [Fact]
    public void Without_clients_the_blackout_runs_from_quiesce_to_the_dns_switch_and_client_figures_are_null()
    {
        var report = ReportBuilder.Build(JournalSketch.Plan, JournalSketch.WholeMove().Events);

        Assert.Equal(200, report.Blackout.Sum(static entry => entry.DurationMs), 3);
        Assert.Null(report.DowntimeMs);
        Assert.Null(report.AcknowledgedWrites);
        Assert.Null(report.FailedRequests);
        Assert.Equal("edge-b", report.ServedBy);
    }

    [Fact]
    public void Each_decision_that_the_app_waited_for_is_a_hop()
    {
        var report = Completed();

        Assert.Equal(
            ["quiesce + final-restore", "fence", "final-snapshot", "verify", "start", "ready", "dns-switch"],
            report.Hops.Select(static hop => string.Join(" + ", hop.Steps)));
        Assert.Equal([42, 8, 60, 10, 30, 33, 17], report.Hops.Select(static hop => hop.DurationMs));
        Assert.Equal(10, report.Hops[0].OffsetMs);
    }

    [Fact]
    public void A_fused_plan_has_three_hops_and_its_report_takes_the_steps_apart_again()
    {
        var report = ReportBuilder.Build(JournalSketch.FusedPlan, new JournalSketch()
            .Started("quiesce", 1000).Started("final-restore", 1000)
            .CompletedParts("quiesce", 1120, ("quiesce", 20), ("fence", 10), ("final-snapshot", 50))
            .CompletedParts("final-restore", 1130, ("final-restore", 100), ("verify", 5))
            .Started("start", 1131).CompletedParts("start", 1190, ("start", 30), ("ready", 10))
            .Started("dns-switch", 1191).Completed("dns-switch", 1210)
            .Events);

        Assert.Equal(["quiesce + final-restore", "start", "dns-switch"], report.Hops.Select(static hop => string.Join(" + ", hop.Steps)));
        Assert.Equal([131, 60, 19], report.Hops.Select(static hop => hop.DurationMs));
        Assert.Equal(["quiesce", "final-restore", "fence", "final-snapshot", "verify", "start", "ready", "dns-switch"], report.Steps.Select(static step => step.Id));
        Assert.Equal([20, 100, 10, 50, 5, 30, 10, 19], report.Steps.Select(static step => step.DurationMs));
    }

    [Fact]
    public void Where_a_part_of_a_fused_step_failed_the_finished_parts_are_there_and_what_was_undone_says_so()
    {
        var journal = new JournalSketch()
            .Started("quiesce", 1000).FailedAfter("quiesce", 1100, ("quiesce", 20), ("fence", 10))
            .Started("quiesce", 1100, StepDirection.Undo).Completed("quiesce", 1130, direction: StepDirection.Undo);

        var report = ReportBuilder.Build(JournalSketch.FusedPlan, journal.Events);

        Assert.Equal(
            [("quiesce", StepReportOutcome.Completed, 20d, true), ("fence", StepReportOutcome.Completed, 10d, true), ("final-snapshot", StepReportOutcome.Failed, 70d, false)],
            report.Steps.Select(static step => (step.Id, step.Outcome, step.DurationMs, step.Undone)));
        Assert.Equal(["quiesce", "undo quiesce"], report.Hops.Select(static hop => string.Join(" + ", hop.Steps)));
    }

    [Fact]
    public void A_part_that_an_abort_cut_short_was_cancelled_and_did_not_fail()
    {
        var journal = new JournalSketch()
            .Started("quiesce", 1000).Add(new CancelRequested("quiesce", StepDirection.Do, 1) { At = JournalSketch.At(1050) })
            .FailedAfter("quiesce", 1060, ("quiesce", 20), ("fence", 10));

        var report = ReportBuilder.Build(JournalSketch.FusedPlan, journal.Events);

        Assert.Equal([StepReportOutcome.Completed, StepReportOutcome.Completed, StepReportOutcome.Cancelled], report.Steps.Select(static step => step.Outcome));
    }

    [Fact]
    public void Hops_are_decisions_whatever_the_clock_says_and_only_those_that_the_app_waited_for()
    {
        // The clock was set back: the machine's times stand still meanwhile. The last dispatch comes when the target has served already.
        var report = ReportBuilder.Build(
            JournalSketch.FusedPlan,
            new JournalSketch()
                .Started("quiesce", 1000).Started("final-restore", 1000)
                .CompletedParts("quiesce", 1000, ("quiesce", 20)).CompletedParts("final-restore", 1000, ("final-restore", 20))
                .Started("start", 1000).CompletedParts("start", 1190, ("start", 30))
                .Started("dns-switch", 1191).Failed("dns-switch", 1210)
                .Started("dns-switch", 1300).Completed("dns-switch", 1310)
                .Events,
            Observed with { Resolving = JournalSketch.Writes(("edge-a", 985), ("edge-a", 990), ("edge-b", 1230), ("edge-b", 1400)) });

        Assert.Equal(["quiesce + final-restore", "start", "dns-switch"], report.Hops.Select(static hop => string.Join(" + ", hop.Steps)));
    }

    [Fact]
    public void Rounds_carry_figures_of_the_source_and_the_final_delta_comes_last()
    {
        var rounds = Completed().Rounds;

        Assert.Equal([1, 2], rounds.Select(static round => round.Number));
        Assert.Null(rounds[0].DirtyBytesPerSecond);
        Assert.Equal(320, rounds[0].DurationMs);
        Assert.True(rounds[1].Final);
        Assert.Equal(100, rounds[1].DirtyBytesPerSecond);
        Assert.Equal(90, rounds[1].BytesShipped);
    }

    [Fact]
    public void Steps_after_the_point_of_no_return_say_so()
    {
        var report = Completed();

        Assert.Equal(["dns-switch", "retire"], report.Steps.Where(static step => step.AfterPointOfNoReturn).Select(static step => step.Id));
        Assert.Equal("snapshot", report.Steps[1].Kind);
        Assert.Equal(new VolumeHashReport("aa", "bb"), report.VolumeHash);
    }

    [Fact]
    public void A_compensated_move_names_what_was_undone_and_what_was_injected_and_accounts_for_the_undo()
    {
        var journal = new JournalSketch()
            .Started("quiesce", 1000).Completed("quiesce", 1040)
            .Started("fence", 1040).Failed("fence", 1050, injected: true)
            .Started("fence", 1050, StepDirection.Undo).Completed("fence", 1060, direction: StepDirection.Undo)
            .Started("quiesce", 1060, StepDirection.Undo).Completed("quiesce", 1100, direction: StepDirection.Undo)
            .Ended(RelocationOutcome.Compensated, 1101, "fence failed");

        var report = ReportBuilder.Build(JournalSketch.Plan, journal.Events, Observed);

        Assert.Equal(RelocationOutcome.Compensated, report.Outcome);
        Assert.Equal("fence failed", report.Reason);
        Assert.Equal("edge-a", report.ServedBy);
        Assert.All(report.Steps, static step => Assert.True(step.Undone));
        Assert.Equal((StepReportOutcome.Failed, true), (report.Steps[1].Outcome, report.Steps[1].Injected));
        Assert.Contains("undo quiesce", report.Blackout.Select(static entry => entry.Step));
    }

    [Fact]
    public void Clusters_that_take_turns_show_up_as_many_intervals()
    {
        var intervals = AcknowledgedIntervals.From(JournalSketch.Writes(("edge-a", 0), ("edge-b", 2), ("edge-a", 1), ("edge-a", 3)));

        Assert.Equal(["edge-a", "edge-b", "edge-a"], intervals.Select(static interval => interval.Cluster));
        Assert.Equal(JournalSketch.At(1), intervals[0].To);
    }

    [Fact]
    public void Attention_is_the_outcome_until_somebody_resumes()
    {
        var journal = JournalSketch.WholeMove().Events.SkipLast(1).Append(new AttentionRequested("look") { At = JournalSketch.At(1400) }).ToList();
        Assert.Equal((RelocationOutcome.NeedsAttention, "look"), (ReportBuilder.Build(JournalSketch.Plan, journal).Outcome, ReportBuilder.Build(JournalSketch.Plan, journal).Reason));

        journal.Add(new SignalReceived("s", new Resume()) { At = JournalSketch.At(1500) });
        Assert.Null(ReportBuilder.Build(JournalSketch.Plan, journal).Outcome);
    }

    [Fact]
    public void Every_property_of_the_json_form_is_described_by_the_schema_and_the_other_way_round()
    {
        var schema = ReportSchema.Load();
        foreach (var report in new[] { Completed(), new RelocationReport { Reason = "never began" }, Completed() with { Crashes = [new("fence", 1, null)], Kept = new() { Urls = ["u"], Name = "n", DnsServer = "d", ClientLogs = ["l"], End = "e" } } })
        {
            using var document = JsonDocument.Parse(ReportJson.Write(report));
            Assert.Empty(schema.Violations(document.RootElement));
        }
    }

    [Theory]
    [InlineData("\"edge-b\"", "7")]
    [InlineData("\"completed\"", "\"done\"")]
    [InlineData("\"failedRequests\"", "\"failures\"")]
    public void The_schema_refuses_what_a_report_never_says(string what, string by)
    {
        using var document = JsonDocument.Parse(ReportJson.Write(Completed()).Replace(what, by, StringComparison.Ordinal));

        Assert.NotEmpty(ReportSchema.Load().Violations(document.RootElement));
    }
}
