using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Reports;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Tests;

/// <summary>The plan of an engine whose hops are slow: the blackout in three steps.</summary>
public sealed class FusedPlanTests
{
    [Fact]
    public void It_does_all_that_the_plain_plan_does()
    {
        var plain = new Journey().Plan;
        var fused = new Journey(fused: true).Plan;
        Assert.Equal(
            plain.Steps.Select(step => step.Kind).Order(StringComparer.Ordinal),
            fused.Steps.SelectMany(step => step.Fused.Insert(0, step.Kind)).Order(StringComparer.Ordinal));
        Assert.All(fused.Steps, step => Assert.All(step.DependsOn.Concat(step.UndoAfter.Where(id => id is not "fence")), id => Assert.Contains(fused.Steps, each => each.Id == id)));
    }

    [Fact]
    public void From_quiesce_to_the_dns_switch_three_steps_follow_each_other()
    {
        var journey = new Journey(fused: true).GoesOnUntil("quiesce");
        Assert.Equal(["quiesce", "final-restore"], journey.Running);
        Assert.Equal([StepKind.Fence, StepKind.FinalSnapshot], journey.Request("quiesce").Fused);
        Assert.Equal(journey.Request("final-restore").Round, journey.Request("quiesce").Round);
        journey.Completes("quiesce");
        journey.Completes("final-restore");
        Assert.Equal(["start"], journey.Running);
        journey.Completes("start");
        Assert.Equal(["dns-switch"], journey.Running);
        Assert.Equal(RelocationOutcome.Completed, journey.GoesOnToTheEnd().State.Outcome);
    }

    [Fact]
    public void What_each_kind_says_is_captured_under_its_own_name()
    {
        var journey = new Journey(fused: true).GoesOnUntil("quiesce");
        var request = journey.Request("quiesce");
        journey.Happens(new StepCompleted("quiesce", StepDirection.Do, request.Sequence, Cut) { At = journey.Now });
        journey.Completes("final-restore");
        Assert.Equal("abc", journey.Request("start").Captured(StepKind.FinalSnapshot)?.VolumeHash);
    }

    [Fact]
    public void The_report_shows_each_kind_as_a_step_of_its_own()
    {
        var journey = new Journey(fused: true).GoesOnUntil("quiesce");
        var request = journey.Request("quiesce");
        journey.Now += TimeSpan.FromMilliseconds(100);
        journey.Happens(new StepCompleted("quiesce", StepDirection.Do, request.Sequence, Cut) { At = journey.Now });
        var report = ReportBuilder.Build(journey.Plan, journey.GoesOnToTheEnd().Journal);

        Assert.Equal([("quiesce", 10d), ("fence", 20d), ("final-snapshot", 30d)], report.Steps.Where(step => step.Id is "quiesce" or "fence" or "final-snapshot").Select(step => (step.Id, step.DurationMs)));
        Assert.Equal("abc", report.VolumeHash.Source);
    }

    [Fact]
    public void A_thaw_waits_for_the_target_to_be_proved_stopped_and_for_nothing_else()
    {
        var journey = new Journey(fused: true).GoesOnUntil("start");
        journey.Fails("start");
        Assert.Equal(["undo start"], journey.Running);
        journey.Completes("undo start");
        Assert.Contains("undo quiesce", journey.Running);
        Assert.Equal([StepKind.Fence, StepKind.FinalSnapshot], journey.Request("undo quiesce").Fused);
        Assert.Equal(RelocationOutcome.Compensated, journey.GoesOnToTheEnd().State.Outcome);
    }

    private static StepOutput Cut => new()
    {
        Fused =
        [
            new FusedOutput("quiesce", new StepOutput(), TimeSpan.FromMilliseconds(10)),
            new FusedOutput("fence", new StepOutput(), TimeSpan.FromMilliseconds(20)),
            new FusedOutput("final-snapshot", new StepOutput { VolumeHash = "abc" }, TimeSpan.FromMilliseconds(30)),
        ],
    };
}
