using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Tests;

/// <summary>A run that knows nothing of the one before it: terminated, timed out, or reset to a point that the world is past.</summary>
public sealed class TakeOverTests
{
    [Theory]
    [InlineData(RelocationPhase.Taken)]
    [InlineData(RelocationPhase.Fenced)]
    [InlineData(RelocationPhase.Started)]
    [InlineData(RelocationPhase.Undone)]
    public void A_new_run_that_finds_the_record_held_and_not_committed_undoes_everything(RelocationPhase phase)
    {
        var journey = Began(new TakenOver { Held = true, Writer = "edge-a", Phase = phase, Sequence = 40 });
        journey.GoesOnToTheEnd();

        Assert.Equal(RelocationOutcome.Compensated, journey.State.Outcome);
        Assert.Contains(phase.ToString().ToLowerInvariant(), journey.State.OutcomeReason, StringComparison.Ordinal);
        var undone = journey.Commands.OfType<RunStep>().Where(run => run.Request.Direction == StepDirection.Undo).Select(run => run.Request).ToList();
        Assert.Equal(["start", "prepare-target", "fence", "quiesce", "prepare-source", "lease"], undone.Select(request => request.Step));
        Assert.All(undone, request => Assert.Equal(9, request.Epoch));
        Assert.All(undone, request => Assert.True(request.Sequence > 40, $"{request.Step} has sequence {request.Sequence}, which an agent has seen before"));
    }

    [Fact]
    public void Nothing_is_undone_before_both_agents_have_said_what_is()
    {
        var journey = new Journey().GoesOnUntil("start");
        journey.Happens(new TakeOverBegan("reset") { At = journey.Now });

        Assert.Contains(journey.Commands.OfType<CancelStep>(), cancel => cancel.Step == "start");
        journey.Completes("take-over-source");
        Assert.Empty(journey.Running.Where(step => step.StartsWith("undo", StringComparison.Ordinal)));
        journey.Completes("take-over-target");
        Assert.Contains("undo start", journey.Running);
    }

    [Fact]
    public void A_new_run_that_finds_the_record_committed_goes_forward_from_the_dns_switch()
    {
        var journey = Began(new TakenOver
        {
            Held = true,
            Writer = "edge-b",
            Phase = RelocationPhase.Committed,
            Sequence = 40,
            Outputs = [new CapturedOutput("lease", new StepOutput { Epoch = 7 })],
        });
        journey.GoesOnToTheEnd();

        Assert.Equal(RelocationOutcome.Completed, journey.State.Outcome);
        Assert.Equal(
            ["take-over-source", "take-over-target", "dns-switch", "dns-verify", "retire", "release-lease"],
            journey.Commands.OfType<RunStep>().Where(run => !run.Request.Step.StartsWith("preflight", StringComparison.Ordinal)).Select(run => run.Request.Step));
        Assert.Contains(journey.Request("dns-switch").Captures, capture => capture.Step == "lease");
    }

    [Fact]
    public void A_new_run_that_finds_the_record_released_to_the_target_asks_dns_and_is_done()
    {
        var journey = Began(new TakenOver { Held = false, Writer = "edge-b", Outputs = [new CapturedOutput("dns-switch", new StepOutput())] });
        Assert.Equal(["dns-verify", "release-lease"], journey.GoesOnUntil("dns-verify").Running);
        journey.GoesOnToTheEnd();
        Assert.Equal(RelocationOutcome.Completed, journey.State.Outcome);
    }

    [Theory]
    [InlineData("edge-a")]
    [InlineData("edge-b")]
    [InlineData(null)]
    public void A_new_run_that_no_longer_holds_the_record_cleans_up_what_may_be_left_and_stops_no_app(string? writer)
    {
        var journey = Began(new TakenOver { Held = false, Writer = writer });
        journey.GoesOnToTheEnd();
        Assert.Equal(RelocationOutcome.Compensated, journey.State.Outcome);
        Assert.Equal(
            ["prepare-target", "prepare-source", "lease"],
            journey.Commands.OfType<RunStep>().Where(run => run.Request.Direction == StepDirection.Undo).Select(run => run.Request.Step));
    }

    [Theory]
    [InlineData("fence")]
    [InlineData("dns-verify")]
    [InlineData("undo start")]
    public void An_agent_that_acted_for_another_run_makes_this_one_take_over(string step)
    {
        var journey = new Journey();
        if (step.StartsWith("undo", StringComparison.Ordinal))
            journey.GoesOnUntil("ready").Fails("ready");
        journey.Found = new TakenOver { Held = true, Writer = "edge-b", Phase = RelocationPhase.Committed, Sequence = 40 };
        journey.GoesOnUntil(step).Fails(step, retryable: false, code: FailureCode.AnotherRun);

        Assert.Contains("take-over-source", journey.Running);
        Assert.Equal(RelocationOutcome.Completed, journey.GoesOnToTheEnd().State.Outcome);
    }

    [Fact]
    public void An_abort_that_comes_while_it_takes_over_counts_unless_clients_were_sent_to_the_target()
    {
        var back = Began(new TakenOver { Held = true, Writer = "edge-a", Phase = RelocationPhase.Taken, Sequence = 40 });
        Assert.True(back.Signal(new Abort("enough")).Accepted);
        Assert.Equal(RelocationOutcome.Aborted, back.GoesOnToTheEnd().State.Outcome);

        var forward = Began(new TakenOver { Held = true, Writer = "edge-b", Phase = RelocationPhase.Committed, Sequence = 40 });
        Assert.True(forward.Signal(new Abort("enough")).Accepted);
        Assert.Equal(RelocationOutcome.Completed, forward.GoesOnToTheEnd().State.Outcome);
    }

    [Fact]
    public void An_agent_that_cannot_say_what_is_asks_for_a_person_and_is_asked_again_on_resume()
    {
        var journey = Began(new TakenOver { Held = true, Writer = "edge-a", Phase = RelocationPhase.Taken, Sequence = 40 });
        journey.Fails("take-over-source", retryable: false);
        Assert.NotNull(journey.State.Attention);
        Assert.True(journey.State.IsSettled);

        Assert.True(journey.Signal(new Resume()).Accepted);
        Assert.Equal(RelocationOutcome.Compensated, journey.GoesOnToTheEnd().State.Outcome);
    }

    private static Journey Began(TakenOver found)
    {
        var journey = new Journey { Found = found };
        journey.Happens(new TakeOverBegan("the run before was terminated") { At = journey.Now });
        foreach (var step in journey.Running.Where(step => step.StartsWith("preflight", StringComparison.Ordinal)))
            journey.Lapses(step);
        return journey;
    }
}
