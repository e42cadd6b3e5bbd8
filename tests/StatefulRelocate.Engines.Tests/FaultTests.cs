using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Faults;
using StatefulRelocate.Engines.Tests.Rig;

namespace StatefulRelocate.Engines.Tests;

/// <summary><c>--fail-at</c> and <c>--crash-at</c>.</summary>
public sealed class FaultTests : IAsyncDisposable
{
    private readonly EngineRig _rig = new();

    [Theory]
    [InlineData("quiesce", "quiesce", FaultTime.After)]
    [InlineData("quiesce:after", "quiesce", FaultTime.After)]
    [InlineData("quiesce:before", "quiesce", FaultTime.Before)]
    [InlineData("preflight", "preflight", FaultTime.After)]
    [InlineData("preflight-target:before", "preflight-target", FaultTime.Before)]
    [InlineData("snapshot", "snapshot", FaultTime.After)]
    [InlineData("snapshot-2:before", "snapshot-2", FaultTime.Before)]
    [InlineData("restore-10", "restore-10", FaultTime.After)]
    public void A_fault_names_a_kind_or_a_step_and_a_time(string text, string step, FaultTime time) =>
        Assert.Equal(new Fault(FaultAction.Fail, step, time), Fault.Parse(FaultAction.Fail, text, Whole));

    [Theory]
    [InlineData("teleport")]
    [InlineData("Quiesce")]
    [InlineData("")]
    [InlineData("quiesce-2")]
    [InlineData("final-snapshot-1")]
    [InlineData("snapshot-0")]
    [InlineData("snapshot-02")]
    [InlineData("snapshot-+2")]
    [InlineData("snapshot- 2")]
    [InlineData("snapshot-")]
    [InlineData("snapshot-99999999999")]
    [InlineData("gate")]
    public void A_step_that_the_plan_does_not_have_is_refused_with_the_kinds_that_it_has(string step)
    {
        var error = Assert.Throws<RelocateException>(() => Fault.Parse(FaultAction.Crash, $"{step}:before", Whole));

        Assert.Equal(
            $"--crash-at {step}:before: this plan has no step '{step}'; its kinds are: preflight, lease, prepare, snapshot, restore, roll-call, quiesce, final-restore, fence, final-snapshot, verify, start, ready, dns-switch, dns-verify, retire, release-lease",
            error.Message);
    }

    [Theory]
    [InlineData("quiesce:during", "during")]
    [InlineData("quiesce:", "")]
    public void A_time_that_is_none_is_refused_with_the_two_that_are(string text, string time)
    {
        var error = Assert.Throws<RelocateException>(() => Fault.Parse(FaultAction.Fail, text, Whole));

        Assert.Equal($"--fail-at {text}: '{time}' is no time; write quiesce:before or quiesce:after", error.Message);
    }

    [Theory]
    [InlineData(FaultTime.Before, false)]
    [InlineData(FaultTime.After, true)]
    public async Task A_failure_before_the_point_of_no_return_is_for_good_and_all_is_undone(FaultTime time, bool happened)
    {
        var state = await RunAsync(Plans.Short(), new Fault(FaultAction.Fail, "quiesce", time));

        Assert.Equal(RelocationOutcome.Compensated, state.Outcome);
        Assert.Equal($"quiesce on a failed: a failure was injected into quiesce ({(happened ? "after" : "before")} its effect)", state.OutcomeReason);
        Assert.True(state.Step("quiesce")!.Do.Failure!.Injected);
        Assert.Equal(happened ? [1] : [], _rig.Agents.AttemptsOf("quiesce"));
        Assert.Equal([1], _rig.Agents.AttemptsOf("undo quiesce"));
        Assert.Equal(("quiesce", 1), Fired());
    }

    [Fact]
    public async Task A_kind_strikes_its_first_step_and_an_id_its_own()
    {
        var state = await RunAsync(TwoRounds(), new Fault(FaultAction.Fail, "snapshot", FaultTime.Before));
        Assert.True(state.Step("snapshot-1")!.Do.Failure!.Injected);
        Assert.Equal(("snapshot-1", 1), Fired());
    }

    [Fact]
    public async Task An_id_with_a_round_strikes_in_that_round()
    {
        var state = await RunAsync(TwoRounds(), new Fault(FaultAction.Fail, "snapshot-2", FaultTime.Before));

        Assert.Equal(RunStatus.Completed, state.Step("snapshot-1")!.Do.Status);
        Assert.True(state.Step("snapshot-2")!.Do.Failure!.Injected);
    }

    [Theory]
    [InlineData(FaultTime.Before, new[] { 3 })]
    [InlineData(FaultTime.After, new[] { 1, 2, 3 })]
    public async Task After_the_point_of_no_return_two_attempts_fail_and_the_third_carries_on(FaultTime time, int[] heard)
    {
        var state = await RunAsync(Plans.Short(), new Fault(FaultAction.Fail, "dns-switch", time));

        Assert.Equal(RelocationOutcome.Completed, state.Outcome);
        Assert.Equal(heard, _rig.Agents.AttemptsOf("dns-switch"));
        Assert.Equal(("dns-switch", 2), Fired());
    }

    [Theory]
    [InlineData(FaultTime.Before)]
    [InlineData(FaultTime.After)]
    public async Task A_gate_fails_while_it_waits_because_no_agent_acts_there(FaultTime time)
    {
        var state = await RunAsync(Plans.Short().WithGate(), new Fault(FaultAction.Fail, "gate", time));

        Assert.Equal(RelocationOutcome.Compensated, state.Outcome);
        Assert.DoesNotContain("quiesce", _rig.Agents.Requests.Names());
    }

    [Theory]
    [InlineData(FaultTime.Before, 0)]
    [InlineData(FaultTime.After, 1)]
    public async Task A_crash_kills_the_engine_once_and_the_journal_knows_who_died_and_who_went_on(FaultTime time, int effects)
    {
        using var directory = new TemporaryDirectory();
        await using var a = new ScriptedAgent(directory.File("a"));
        await using var b = new ScriptedAgent(directory.File("b"));
        _rig.Journal.Create(Plans.Short(), new Fault(FaultAction.Crash, "quiesce", time));

        var first = Child.Start("engine", directory.Path, "0", _rig.JournalPath);
        var died = first.Id;
        await first.ExitsWithAsync(Child.Killed);
        Assert.Equal(effects, a.Effects.Names().Count(name => name == "quiesce"));
        Assert.Equal(new JournaledFault(new Fault(FaultAction.Crash, "quiesce", time), "quiesce", 1, died, null), Assert.Single(_rig.Journal.ReadFaults("shop-a-b-1")));

        var second = Child.Start("engine", directory.Path, "0", _rig.JournalPath);
        var wentOn = second.Id;
        await second.ExitsWithAsync(0);

        Assert.Equal(RelocationOutcome.Completed, _rig.State().Outcome);
        Assert.Equal(1, a.Effects.Names().Count(name => name == "quiesce"));
        var fault = Assert.Single(_rig.Journal.ReadFaults("shop-a-b-1"));
        Assert.Equal((1, died, wentOn), (fault.Times, fault.KilledPid, fault.ResumedPid));
    }

    private static RelocationPlan Whole => Planner.Plan(Plans.Spec, "shop-a-b-1");

    private static RelocationPlan TwoRounds()
    {
        var plan = Plans.Short();
        var cutover = plan.Spec.Cutover with { MaxDowntime = TimeSpan.FromMilliseconds(50), OnNoConvergence = NoConvergencePolicy.CutoverAnyway };
        return plan with { Spec = plan.Spec with { Cutover = cutover } };
    }

    private (string? Step, int Times) Fired()
    {
        var fault = Assert.Single(_rig.Journal.ReadFaults("shop-a-b-1"));
        return (fault.Step, fault.Times);
    }

    private async Task<SagaState> RunAsync(RelocationPlan plan, Fault fault)
    {
        _rig.Journal.Create(plan, fault);
        return await _rig.RunAsync();
    }

    public ValueTask DisposeAsync() => _rig.DisposeAsync();
}
