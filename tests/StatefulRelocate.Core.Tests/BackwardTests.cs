using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Tests;

public sealed class BackwardTests
{
    [Fact]
    public void An_abort_before_anything_was_changed_ends_at_once_when_what_runs_has_ended()
    {
        var journey = new Journey();
        journey.Signal(new Abort("no longer needed"));
        Assert.Equal(2, journey.Commands.OfType<CancelStep>().Count());
        journey.GoesOnToTheEnd();
        Assert.Equal(RelocationOutcome.Aborted, journey.State.Outcome);
        Assert.Equal("no longer needed", journey.State.OutcomeReason);
    }

    [Fact]
    public void A_failed_step_is_undone_too()
    {
        var journey = new Journey().GoesOnUntil("fence");
        journey.Fails("fence");
        Assert.Contains("undo fence", journey.Running);
        Assert.Equal(RelocationOutcome.Compensated, journey.GoesOnToTheEnd().State.Outcome);
        Assert.Equal("fence on edge-a failed: the disk is full", journey.State.OutcomeReason);
    }

    [Fact]
    public void A_gate_that_fails_is_undone_as_any_other_step()
    {
        var journey = new Journey(new CutoverSpec { Approval = true }).GoesOnToTheEnd();
        journey.Happens(new StepFailed("gate", StepDirection.Do, 0, new StepFailure { Code = "injected", Message = "as asked" }) { At = journey.Now });
        Assert.Equal(RelocationOutcome.Compensated, journey.GoesOnToTheEnd().State.Outcome);
        Assert.Equal("gate failed: as asked", journey.State.OutcomeReason);
    }

    [Fact]
    public void A_step_in_flight_is_cancelled_and_undone_without_waiting_for_its_answer()
    {
        var journey = new Journey().GoesOnUntil("quiesce");
        journey.Signal(new Abort());
        Assert.Contains("quiesce", journey.Running);
        Assert.Contains("undo quiesce", journey.Running);
        Assert.Contains(journey.Commands.OfType<CancelStep>(), cancel => cancel.Step == "quiesce");
    }

    [Fact]
    public void A_thaw_waits_for_the_target_to_be_proved_stopped_and_for_nothing_else()
    {
        var journey = new Journey().GoesOnUntil("ready");
        journey.Fails("ready");
        Assert.Equal(["undo start"], journey.Running);
        journey.Completes("undo start");
        Assert.Equal(["undo prepare-target", "undo fence"], journey.Running);
        journey.Completes("undo fence");
        Assert.Equal(["undo prepare-target", "undo quiesce"], journey.Running);
        journey.Completes("undo quiesce");
        journey.Completes("undo prepare-target");
        Assert.Equal(["undo prepare-source"], journey.Running);
        journey.Completes("undo prepare-source");
        Assert.Equal(["undo lease"], journey.Running);
        journey.Completes("undo lease");
        Assert.Equal(RelocationOutcome.Compensated, journey.State.Outcome);
    }

    [Fact]
    public void A_blackout_that_lasts_too_long_is_undone()
    {
        var journey = new Journey().GoesOnUntil("start");
        journey.Happens(new TimerFired("max-blackout") { At = journey.Now });
        Assert.True(journey.State.Compensating);
        Assert.Equal(RelocationOutcome.Compensated, journey.GoesOnToTheEnd().State.Outcome);
    }

    [Fact]
    public void The_blackout_timer_says_nothing_after_the_point_of_no_return()
    {
        var journey = new Journey().GoesOnUntil("dns-switch");
        journey.Happens(new TimerFired("max-blackout") { At = journey.Now });
        Assert.Equal(RelocationOutcome.Completed, journey.GoesOnToTheEnd().State.Outcome);
    }

    [Fact]
    public void An_abort_after_the_point_of_no_return_is_refused_with_a_line_that_says_so()
    {
        var journey = new Journey().GoesOnUntil("dns-switch");
        var answer = journey.Signal(new Abort());
        Assert.False(answer.Accepted);
        Assert.Contains("point of no return", answer.Answer, StringComparison.Ordinal);
        Assert.Equal(RelocationOutcome.Completed, journey.GoesOnToTheEnd().State.Outcome);
    }

    [Fact]
    public void A_failure_after_the_point_of_no_return_is_tried_again_after_a_wait_and_then_a_person_is_asked()
    {
        var journey = new Journey().GoesOnUntil("retire");
        for (var tries = 1; tries < Retries.MaximumTries; tries++)
        {
            journey.Fails("retire");
            Assert.Empty(journey.Running);
            journey.TimersFire();
        }

        journey.Lapses("retire");
        Assert.Contains("retire on edge-a does not answer", journey.State.Attention, StringComparison.Ordinal);
        Assert.False(journey.State.Compensating);
        journey.Signal(new Resume());
        Assert.Null(journey.State.Attention);
        Assert.Equal(RelocationOutcome.Completed, journey.GoesOnToTheEnd().State.Outcome);
        var waits = journey.Commands.OfType<StartTimer>().Where(timer => timer.Timer.StartsWith("retry:", StringComparison.Ordinal)).Select(timer => timer.Duration);
        Assert.Equal([0.5, 1, 2, 4, 8], waits.Select(wait => wait.TotalSeconds));
    }

    [Fact]
    public void A_dns_switch_that_certainly_had_no_effect_is_undone_with_everything_else()
    {
        var journey = new Journey().GoesOnUntil("dns-switch");
        journey.Fails("dns-switch", retryable: false, certainlyNoEffect: true);
        Assert.Equal(["undo dns-switch"], journey.Running);
        Assert.Equal(RelocationOutcome.Compensated, journey.GoesOnToTheEnd().State.Outcome);
    }

    [Fact]
    public void A_refusal_after_an_unanswered_dns_switch_is_not_certain()
    {
        var journey = new Journey().GoesOnUntil("dns-switch");
        journey.Lapses("dns-switch");
        journey.TimersFire();
        journey.Fails("dns-switch", retryable: false, certainlyNoEffect: true);
        Assert.False(journey.State.Compensating);
        Assert.NotNull(journey.State.Attention);
    }

    [Fact]
    public void A_lost_swap_to_committed_is_certain_even_after_an_unanswered_dns_switch()
    {
        var journey = new Journey().GoesOnUntil("dns-switch");
        journey.Lapses("dns-switch");
        journey.TimersFire();
        journey.Fails("dns-switch", retryable: false, code: FailureCode.CommitLost);
        Assert.Equal(RelocationOutcome.Compensated, journey.GoesOnToTheEnd().State.Outcome);
    }

    [Fact]
    public void An_undo_that_cannot_be_done_asks_for_a_person_who_may_have_it_tried_again()
    {
        var journey = new Journey().GoesOnUntil("snapshot-1");
        journey.Signal(new Abort());
        journey.Fails("undo prepare-target", retryable: false);
        Assert.Contains("the undo of prepare-target on edge-b failed: the disk is full", journey.State.Attention, StringComparison.Ordinal);
        journey.Signal(new Resume());
        Assert.Contains("undo prepare-target", journey.Running);
        Assert.Equal(RelocationOutcome.Aborted, journey.GoesOnToTheEnd().State.Outcome);
    }

    [Fact]
    public void An_operator_may_say_that_an_undo_is_done()
    {
        var journey = new Journey().GoesOnUntil("snapshot-1");
        journey.Signal(new Abort());
        Assert.False(journey.Signal(new MarkDone("lease", "guess")).Accepted);
        journey.Fails("undo prepare-target", retryable: false);
        Assert.True(journey.Signal(new MarkDone("prepare-target", "removed by hand")).Accepted);
        Assert.Null(journey.State.Attention);
        Assert.Equal(RelocationOutcome.Aborted, journey.GoesOnToTheEnd().State.Outcome);
        Assert.Equal("removed by hand", journey.State.Step("prepare-target")!.Undo.MarkedDone);
    }

    [Fact]
    public void A_late_result_of_a_step_that_is_being_undone_changes_nothing()
    {
        var journey = new Journey().GoesOnUntil("quiesce");
        var sequence = journey.Request("quiesce").Sequence;
        journey.Lapses("quiesce");
        var running = journey.Running;
        journey.Happens(new StepCompleted("quiesce", StepDirection.Do, sequence, new StepOutput()) { At = journey.Now });
        Assert.Equal(running, journey.Running);
        Assert.Equal(RelocationOutcome.Compensated, journey.GoesOnToTheEnd().State.Outcome);
    }

    [Fact]
    public void An_event_of_a_step_that_the_plan_does_not_have_is_a_clear_error()
    {
        var journey = new Journey();
        var error = Assert.Throws<UnknownStepException>(() => journey.Happens(new StepStarted("teleport", StepDirection.Do, 9) { At = journey.Now }));
        Assert.Contains("'teleport'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_plan_for_a_newer_machine_waits_for_a_newer_program()
    {
        var plan = new Journey(new CutoverSpec()).Plan with { MachineVersion = SagaMachine.CurrentVersion + 1 };
        var error = Assert.Throws<UnknownMachineVersionException>(() => SagaMachine.Start(plan));
        Assert.Contains("waits for a newer program", error.Message, StringComparison.Ordinal);
    }
}
