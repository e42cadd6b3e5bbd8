using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Tests;

public sealed class ForwardTests
{
    private static readonly TimeSpan TooLong = TimeSpan.FromSeconds(10);

    [Fact]
    public void A_relocation_that_nothing_disturbs_runs_each_step_once_and_completes()
    {
        var journey = new Journey().GoesOnToTheEnd();
        Assert.Equal(RelocationOutcome.Completed, journey.State.Outcome);
        var dispatched = journey.Journal.OfType<StepStarted>().Select(started => started.Step).ToList();
        Assert.Equal(dispatched.Distinct(), dispatched);
        Assert.Equal(journey.State.Steps.Select(step => step.Id).Order(), dispatched.Order());
    }

    [Fact]
    public void Both_preflights_run_side_by_side() => Assert.Equal(["preflight-source", "preflight-target"], new Journey().Running);

    [Fact]
    public void The_first_snapshot_does_not_wait_for_the_target_to_be_prepared()
    {
        var journey = new Journey().GoesOnUntil("snapshot-1");
        Assert.Equal(["prepare-target", "snapshot-1"], journey.Running);
        journey.Completes("prepare-target");
        Assert.Equal(["snapshot-1", "restore-1"], journey.Running);
    }

    [Fact]
    public void The_final_restore_waits_on_the_target_while_the_source_is_quiesced()
    {
        var journey = new Journey().GoesOnUntil("quiesce");
        Assert.Equal(["quiesce", "final-restore"], journey.Running);
        Assert.Equal(2, journey.Request("final-restore").Round);
    }

    [Fact]
    public void Start_is_told_what_is_left_of_the_blackout_and_what_earlier_steps_captured()
    {
        var journey = new Journey(new CutoverSpec { MaxBlackout = TimeSpan.FromSeconds(10) }).GoesOnUntil("quiesce");
        journey.Now += TimeSpan.FromSeconds(4);
        journey.GoesOnUntil("start");
        var start = journey.Request("start");
        Assert.Equal(TimeSpan.FromSeconds(6), start.BlackoutLeft);
        Assert.Equal(7, start.Epoch);
        Assert.NotNull(start.Captured("verify"));
        Assert.Null(journey.Request("lease").BlackoutLeft);
    }

    [Fact]
    public void The_point_of_no_return_is_an_event_before_the_first_dns_message()
    {
        var journey = new Journey().GoesOnUntil("dns-switch");
        var events = journey.Journal.ToList();
        Assert.True(events.FindIndex(e => e is PointOfNoReturnPassed) < events.FindIndex(e => e is StepStarted { Step: "dns-switch" }));
        Assert.True(journey.State.PointOfNoReturn);
    }

    [Fact]
    public void Rounds_go_on_until_the_predicted_downtime_fits_the_budget()
    {
        var journey = new Journey().RoundTakes(1, TooLong).RoundTakes(2, TimeSpan.FromSeconds(2));
        journey.Shipped[1] = 100_000;
        journey.Shipped[2] = 9_000;
        journey.GoesOnUntil("quiesce");
        Assert.Equal(3, journey.State.Round);
        Assert.Equal(PreCopyVerdict.Converged, journey.State.PreCopyVerdict);
        Assert.Equal(TimeSpan.FromMilliseconds(150), journey.State.PredictedDowntime);
    }

    [Fact]
    public void A_slow_round_that_only_checked_changed_ranges_predicts_the_fast_final_one()
    {
        var journey = new Journey().RoundTakes(1, TooLong).RoundTakes(2, TooLong);
        journey.ByRanges[2] = TimeSpan.FromMilliseconds(80);
        journey.GoesOnUntil("quiesce");
        Assert.Equal(2, journey.State.Round);
        Assert.Equal(TimeSpan.FromMilliseconds(180), journey.State.PredictedDowntime);
    }

    [Fact]
    public void A_round_that_ships_hardly_less_than_the_one_before_ends_pre_copy()
    {
        var journey = new Journey().RoundTakes(1, TooLong).RoundTakes(2, TooLong);
        (journey.Shipped[1], journey.Shipped[2]) = (1000, 950);
        journey.GoesOnToTheEnd();
        Assert.Equal(RelocationOutcome.Compensated, journey.State.Outcome);
        Assert.Contains("does not converge", journey.State.OutcomeReason, StringComparison.Ordinal);
        Assert.DoesNotContain(journey.Journal, e => e is StepStarted { Step: "quiesce" });
    }

    [Fact]
    public void The_last_allowed_round_ends_pre_copy_too()
    {
        var journey = new Journey(new CutoverSpec { MaxRounds = 1 }).RoundTakes(1, TooLong).GoesOnToTheEnd();
        Assert.Equal(RelocationOutcome.Compensated, journey.State.Outcome);
        Assert.Equal(1, journey.State.Round);
    }

    [Fact]
    public void Cutover_anyway_cuts_over_with_the_predicted_downtime()
    {
        var cutover = new CutoverSpec { MaxRounds = 1, OnNoConvergence = NoConvergencePolicy.CutoverAnyway };
        var journey = new Journey(cutover).RoundTakes(1, TooLong).GoesOnToTheEnd();
        Assert.Equal(RelocationOutcome.Completed, journey.State.Outcome);
        Assert.Equal(PreCopyVerdict.CutoverAnyway, journey.State.PreCopyVerdict);
        Assert.True(journey.State.PredictedDowntime > TooLong);
    }

    [Fact]
    public void A_gate_waits_for_a_person_and_a_fresh_round_follows_it()
    {
        var journey = new Journey(new CutoverSpec { Approval = true }).GoesOnToTheEnd();
        Assert.True(journey.State.AwaitsApproval);
        Assert.Null(journey.State.Outcome);
        Assert.True(journey.Signal(new Approve("ann")).Accepted);
        Assert.False(journey.State.AwaitsApproval);
        Assert.Equal(["snapshot-2", "restore-2"], journey.Running);
        Assert.Equal(RelocationOutcome.Completed, journey.GoesOnToTheEnd().State.Outcome);
    }

    [Fact]
    public void An_approval_in_advance_lets_the_cutover_through_without_another_round()
    {
        var journey = new Journey(new CutoverSpec { Approval = true });
        journey.Signal(new Approve());
        Assert.Equal(RelocationOutcome.Completed, journey.GoesOnToTheEnd().State.Outcome);
        Assert.Equal(1, journey.State.Round);
    }

    [Fact]
    public void A_pause_lets_what_runs_finish_and_a_fresh_round_and_roll_call_follow_it()
    {
        var journey = new Journey().GoesOnUntil("roll-call-source");
        journey.Signal(new Pause());
        journey.GoesOnToTheEnd();
        Assert.True(journey.State.IsPaused);
        journey.Signal(new Resume());
        Assert.Equal(["snapshot-2", "restore-2"], journey.Running);
        journey.GoesOnUntil("quiesce");
        Assert.Equal(2, journey.Journal.Count(e => e is StepStarted { Step: "roll-call-target" }));
        Assert.Equal(RelocationOutcome.Completed, journey.GoesOnToTheEnd().State.Outcome);
    }

    [Fact]
    public void A_pause_inside_the_blackout_takes_effect_after_it()
    {
        var journey = new Journey().GoesOnUntil("fence");
        Assert.Contains("after the blackout", journey.Signal(new Pause()).Answer, StringComparison.Ordinal);
        journey.GoesOnUntil("dns-verify");
        Assert.False(journey.State.IsPaused);
        journey.Completes("dns-verify");
        Assert.True(journey.State.IsPaused);
        Assert.Empty(journey.Running);
        journey.Signal(new Resume());
        Assert.Equal(["retire"], journey.Running);
    }

    [Fact]
    public void A_signal_counts_once_by_its_id()
    {
        var journey = new Journey();
        journey.Happens(new SignalReceived("a", new Pause()) { At = journey.Now });
        journey.Happens(new SignalReceived("b", new Resume()) { At = journey.Now });
        journey.Happens(new SignalReceived("a", new Pause()) { At = journey.Now });
        Assert.False(journey.State.PauseRequested);
        Assert.Equal(2, journey.State.Signals.Length);
    }
}
