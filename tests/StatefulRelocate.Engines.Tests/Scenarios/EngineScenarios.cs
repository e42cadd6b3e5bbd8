using StatefulRelocate.Activities;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Tests.Rig;

namespace StatefulRelocate.Engines.Tests.Scenarios;

/// <summary>What every engine must do with the same plan and the same agents. Each engine's test project has a class that derives from this.</summary>
public abstract class EngineScenarios
{
    protected static readonly string[] StepsInOrder = ["lease", "prepare-target", "snapshot-1", "restore-1", "quiesce", "start", "dns-switch", "dns-verify", "release-lease"];

    protected abstract Task<IScenarioRig> RigAsync();

    public static TheoryData<string> StepsBeforeTheLine => ["lease", "prepare-target", "snapshot-1", "restore-1", "quiesce", "start"];

    public static TheoryData<string> StepsAfterTheLine => ["dns-switch", "dns-verify", "release-lease"];

    [Fact]
    public async Task A_relocation_completes_and_each_step_is_done_once()
    {
        await using var rig = await RigAsync();
        await rig.StartAsync(Plans.Short());

        Assert.Equal(RelocationOutcome.Completed, (await EndAsync(rig)).Outcome);
        Assert.Equal(StepsInOrder.Order(StringComparer.Ordinal), rig.Effects.Select(request => request.Step).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(StepsBeforeTheLine))]
    public async Task A_step_that_fails_before_the_point_of_no_return_has_everything_undone(string step)
    {
        await using var rig = await RigAsync();
        rig.On(step, static (request, _) => throw new ActivityException("broken", $"{request.Step} is broken", retryable: false));
        await rig.StartAsync(Plans.Short());

        var state = await EndAsync(rig);
        Assert.Equal(RelocationOutcome.Compensated, state.Outcome);
        Assert.Contains($"{step} is broken", state.OutcomeReason, StringComparison.Ordinal);
        Assert.All(state.Steps.Where(each => each.Planned.HasUndo && each.Do.Dispatched), each => Assert.Equal(RunStatus.Completed, each.Undo.Status));
        Assert.DoesNotContain(rig.Effects, request => request.Kind == StepKind.DnsSwitch);
    }

    [Theory]
    [MemberData(nameof(StepsAfterTheLine))]
    public async Task A_step_that_fails_after_the_point_of_no_return_is_tried_again_until_it_is_done(string step)
    {
        await using var rig = await RigAsync();
        var failures = 0;
        rig.On(step, (request, _) => Interlocked.Increment(ref failures) <= 4 && request.Direction == StepDirection.Do
            ? throw new ActivityException("broken", $"{request.Step} is broken")
            : Task.FromResult<StepOutput?>(null));
        await rig.StartAsync(Plans.Short());

        Assert.Equal(RelocationOutcome.Completed, (await EndAsync(rig)).Outcome);
        Assert.DoesNotContain(rig.Effects, request => request.Direction == StepDirection.Undo);
    }

    [Fact]
    public async Task An_abort_while_a_step_runs_undoes_everything_and_the_step_is_asked_to_stop()
    {
        await using var rig = await RigAsync();
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.On("quiesce", async (_, cancelled) =>
        {
            await using var registration = cancelled.Register(() => stopped.TrySetResult());
            await stopped.Task;
            cancelled.ThrowIfCancellationRequested();
            return null;
        });
        await rig.StartAsync(Plans.Short());
        await BeganAsync(rig, "quiesce");

        var (accepted, answer) = await rig.SayAsync(new Abort("not tonight"));

        Assert.True(accepted, answer);
        await stopped.Task.Soon();
        var state = await EndAsync(rig);
        Assert.Equal((RelocationOutcome.Aborted, "not tonight"), (state.Outcome, state.OutcomeReason));
        Assert.Contains("undo quiesce", rig.Effects.Names());
    }

    [Fact]
    public async Task An_abort_after_the_point_of_no_return_is_refused_with_the_reason()
    {
        await using var rig = await RigAsync();
        var held = Hold(rig, "dns-verify");
        await rig.StartAsync(Plans.Short());
        await BeganAsync(rig, "dns-verify");

        var (accepted, answer) = await rig.SayAsync(new Abort());

        Assert.False(accepted);
        Assert.Contains("point of no return", answer, StringComparison.Ordinal);
        held.SetResult();
        Assert.Equal(RelocationOutcome.Completed, (await EndAsync(rig)).Outcome);
    }

    [Fact]
    public async Task The_gate_opens_by_an_approval_and_a_fresh_round_comes_first()
    {
        await using var rig = await RigAsync();
        await rig.StartAsync(Plans.Short().WithGate());
        await UntilAsync(rig, static state => state.AwaitsApproval, "it waits for approval");

        var (accepted, answer) = await rig.SayAsync(new Approve("me"));

        Assert.True(accepted, answer);
        Assert.Equal(RelocationOutcome.Completed, (await EndAsync(rig)).Outcome);
        Assert.Contains("snapshot-2", rig.Effects.Names());
    }

    [Fact]
    public async Task A_pause_holds_back_the_cutover_until_it_is_resumed()
    {
        await using var rig = await RigAsync();
        var held = Hold(rig, "restore-1");
        await rig.StartAsync(Plans.Short());
        await BeganAsync(rig, "restore-1");

        Assert.True((await rig.SayAsync(new Pause())).Accepted);
        held.SetResult();
        await UntilAsync(rig, static state => state.IsPaused && state.Steps.All(step => step.Do.Status != RunStatus.Running), "it is paused with nothing under way");
        Assert.DoesNotContain("quiesce", rig.Effects.Names());

        Assert.True((await rig.SayAsync(new Resume())).Accepted);
        Assert.Equal(RelocationOutcome.Completed, (await EndAsync(rig)).Outcome);
    }

    [Fact]
    public async Task A_signal_counts_once_whatever_state_it_meets_and_nothing_is_refused_silently()
    {
        await using var rig = await RigAsync();
        var held = Hold(rig, "lease");
        await rig.StartAsync(Plans.Short());
        await BeganAsync(rig, "lease");

        Assert.Equal((false, "the plan asks for no approval"), await rig.SayAsync(new Approve()));
        Assert.False((await rig.SayAsync(new Resume())).Accepted);
        held.SetResult();
        Assert.Equal(RelocationOutcome.Completed, (await EndAsync(rig)).Outcome);
    }

    [Theory]
    [InlineData("lease")]
    [InlineData("restore-1")]
    [InlineData("quiesce")]
    [InlineData("start")]
    [InlineData("dns-switch")]
    [InlineData("release-lease")]
    public async Task An_engine_that_dies_while_a_step_runs_is_followed_by_another_that_goes_on(string step)
    {
        await using var rig = await RigAsync();
        var held = Hold(rig, step);
        await rig.StartAsync(Plans.Short());
        await BeganAsync(rig, step);

        await rig.RestartEngineAsync();
        held.SetResult();

        Assert.Equal(RelocationOutcome.Completed, (await EndAsync(rig)).Outcome);
        Assert.Equal(StepsInOrder, rig.Effects.Select(request => request.Step).Distinct().OrderBy(each => Array.IndexOf(StepsInOrder, each)));
    }

    [Fact]
    public async Task A_blackout_that_lasts_too_long_is_undone_by_the_timer()
    {
        await using var rig = await RigAsync();
        var plan = Plans.Short() with { Spec = Plans.Spec with { Cutover = new CutoverSpec { MaxDowntime = TimeSpan.FromMilliseconds(500), MaxBlackout = TimeSpan.FromSeconds(1) } } };
        rig.On("start", async (_, cancelled) =>
        {
            await Task.Delay(Timeout.Infinite, cancelled);
            return null;
        });
        await rig.StartAsync(plan);

        var state = await EndAsync(rig);
        Assert.Equal(RelocationOutcome.Compensated, state.Outcome);
        Assert.Contains("maxBlackout", state.OutcomeReason, StringComparison.Ordinal);
    }

    protected static TaskCompletionSource Hold(IScenarioRig rig, string step)
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.On(step, async (_, cancelled) =>
        {
            await held.Task.WaitAsync(cancelled);
            return null;
        });
        return held;
    }

    protected static Task BeganAsync(IScenarioRig rig, string step) => Poll.UntilAsync(() => rig.Effects.Names().Contains(step), $"{step} begins");

    protected static async Task UntilAsync(IScenarioRig rig, Func<SagaState, bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(Poll.Limit);
        while (!condition(await rig.StateAsync()))
        {
            Assert.False(limit.IsCancellationRequested, $"waited {Poll.Limit.TotalSeconds:0} s for this: {what}");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    protected static async Task<SagaState> EndAsync(IScenarioRig rig)
    {
        await UntilAsync(rig, static state => state.IsSettled, "it ends");
        return await rig.StateAsync();
    }
}
