using StatefulRelocate.Activities.Blackout;
using StatefulRelocate.Activities.Tests.Moves;
using StatefulRelocate.Activities.Volumes;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Activities.Tests;

public sealed class BlackoutGuardTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("fence")]
    [InlineData("final-snapshot")]
    [InlineData("start")]
    public async Task Past_the_deadline_the_source_serves_again_although_no_engine_lives(string reached)
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync(reached);
        move.AgentA.Clock.NowMs += 9_999;
        await move.AgentA.GuardAsync(Move.App);
        Assert.NotEqual(AppRunState.Running, move.A.State(Move.App));

        move.AgentA.Clock.NowMs += 1;
        await move.AgentA.GuardAsync(Move.App);
        Assert.Equal(AppRunState.Running, move.A.State(Move.App));
        Assert.Contains("hook unquiesced", move.A.Calls);
        Assert.Equal(("edge-a", RelocationPhase.Undone), await WriterAsync(move));
        Assert.Null(BlackoutDeadline.Read(move.A, Move.App));

        await move.UndoAllAsync();
        await move.AssertRestoredAsync(reached);
    }

    [Theory]
    [InlineData("fence", "edge-a")]
    [InlineData("ready", "edge-b")]
    public async Task A_guard_that_an_earlier_run_armed_acts_under_the_epoch_of_the_run_that_took_over_and_died_too(string reached, string cluster)
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync(reached);
        var takeOver = move.Request(reached, StepDirection.Do) with { Step = "take-over", Kind = StepKind.TakeOver, Cluster = cluster, Epoch = 0, Run = "another" };
        var taken = await move.SendAsync(takeOver);
        Assert.True(taken.Epoch > move.Request(reached, StepDirection.Do).Epoch);
        Assert.True(taken.TakenOver!.Held);

        move.AgentA.Clock.NowMs += 20_000;
        move.AgentB.Clock.NowMs += 20_000;
        await move.AgentB.GuardAsync(Move.App);
        await move.AgentA.GuardAsync(Move.App);

        Assert.Equal(AppRunState.Running, move.A.State(Move.App));
        Assert.Equal(("edge-a", RelocationPhase.Undone), await WriterAsync(move));
        Assert.Empty(move.World.Violations);
    }

    [Fact]
    public async Task The_target_stops_first_and_only_then_the_source_serves_again()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("ready");
        move.AgentA.Clock.NowMs += 20_000;
        move.AgentB.Clock.NowMs += 20_000;

        await move.AgentA.GuardAsync(Move.App);
        Assert.NotEqual(AppRunState.Running, move.A.State(Move.App));
        await move.AgentB.GuardAsync(Move.App);
        Assert.Equal(AppRunState.Stopped, move.B.State(Move.App));
        Assert.Equal((WriterRecord.Nobody, RelocationPhase.Undone), await WriterAsync(move));
        Assert.Null(new VolumeMarks(move.B, Move.App).Find("data")!.StartedBy);
        await move.AgentA.GuardAsync(Move.App);
        Assert.Equal(AppRunState.Running, move.A.State(Move.App));

        Assert.Empty(move.World.Violations);
        await move.UndoAllAsync();
        await move.AssertRestoredAsync();
    }

    [Fact]
    public async Task Both_loops_bring_the_source_back_by_themselves()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("ready");
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var loops = Task.WhenAll(move.AgentA.Guard.RunAsync(end.Token), move.AgentB.Guard.RunAsync(end.Token));
        move.AgentA.Clock.NowMs += 20_000;
        move.AgentB.Clock.NowMs += 20_000;
        await Until(() => move.A.State(Move.App) is AppRunState.Running && BlackoutDeadline.Read(move.A, Move.App) is null);
        await end.CancelAsync();
        await loops;
        Assert.Empty(move.World.Violations);
    }

    [Fact]
    public async Task Committed_ends_both_guards_and_the_move_goes_on()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("dns-verify");
        move.AgentA.Clock.NowMs += 20_000;
        move.AgentB.Clock.NowMs += 20_000;
        await move.AgentA.GuardAsync(Move.App);
        await move.AgentB.GuardAsync(Move.App);
        Assert.Equal(AppRunState.Running, move.B.State(Move.App));
        Assert.Null(BlackoutDeadline.Read(move.A, Move.App));
        await move.CompleteAsync();
        Assert.Equal("edge-b", (await move.RecordAsync())!.Writer);
        Assert.Empty(move.World.Violations);
    }

    [Fact]
    public async Task A_commit_loses_against_a_guard_that_was_first()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("dns-switch");
        move.AgentB.Clock.NowMs += 20_000;
        await move.AgentB.GuardAsync(Move.App);
        var failure = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("dns-switch"));
        Assert.Equal(("commit-lost", true), (failure.Failure.Code, failure.Failure.CertainlyNoEffect));
        await move.UndoAllAsync();
        await move.AssertRestoredAsync();
    }

    [Fact]
    public async Task Guard_and_commit_at_the_same_moment_end_on_one_side()
    {
        for (var i = 0; i < 8; i++)
        {
            await using var move = await Move.StartAsync();
            await move.ReachAsync("dns-switch");
            move.AgentA.Clock.NowMs += 20_000;
            move.AgentB.Clock.NowMs += 20_000;
            var guards = Task.WhenAll(Task.Run(() => move.AgentB.GuardAsync(Move.App), Token), Task.Run(() => move.AgentA.GuardAsync(Move.App), Token));
            ActivityException? lost = null;
            try
            {
                await move.DoAsync("dns-switch");
            }
            catch (ActivityException failure)
            {
                lost = failure;
            }

            await guards;
            Assert.Empty(move.World.Violations);
            if (lost is null)
            {
                await move.CompleteAsync();
                Assert.Equal("edge-b", (await move.RecordAsync())!.Writer);
                continue;
            }

            Assert.True(lost.Failure.CertainlyNoEffect, lost.Message);
            await move.UndoAllAsync();
            await move.AssertRestoredAsync();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_restarted_agent_still_guards_and_another_boot_counts_as_expired(bool rebooted)
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("final-snapshot");
        move.RestartAgents();
        if (rebooted)
            (move.AgentA.Clock.BootId, move.AgentA.Clock.NowMs) = ("boot-2", 5);
        else
            move.AgentA.Clock.NowMs += 20_000;
        await move.AgentA.GuardAsync(Move.App);
        Assert.Equal(AppRunState.Running, move.A.State(Move.App));
    }

    [Theory]
    [InlineData("ready", AppRunState.Stopped)]
    [InlineData("dns-verify", AppRunState.Running)]
    public async Task A_target_that_was_rebooted_starts_the_app_again_only_when_it_was_committed(string reached, AppRunState expected)
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync(reached);
        (move.AgentB.Clock.BootId, move.AgentB.Clock.NowMs) = ("boot-2", 5);
        move.AgentB.Restart();
        move.AgentB.Guard.HoldExpired([Move.App]);
        move.B.Reboot(Move.App);
        await move.AgentB.GuardAsync(Move.App);
        Assert.Equal(expected, move.B.State(Move.App));
        Assert.Empty(move.World.Violations);
    }

    [Fact]
    public async Task A_target_held_after_a_reboot_serves_again_when_the_record_turns_out_to_be_committed()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("dns-switch");
        var deadline = BlackoutDeadline.Read(move.B, Move.App)!;
        await move.DoAsync("dns-switch");
        // The agent died between the swap to committed and disarming its guard.
        BlackoutDeadline.Arm(move.B, deadline);
        (move.AgentB.Clock.BootId, move.AgentB.Clock.NowMs) = ("boot-2", 5);
        move.AgentB.Restart();
        move.AgentB.Guard.HoldExpired([Move.App]);
        move.B.Reboot(Move.App);
        Assert.Equal(AppRunState.Stopped, move.B.State(Move.App));
        await move.AgentB.GuardAsync(Move.App);
        Assert.Equal(AppRunState.Running, move.B.State(Move.App));
    }

    [Fact]
    public async Task Dos_that_come_after_the_guard_are_refused()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("fence");
        move.AgentA.Clock.NowMs += 20_000;
        await move.AgentA.GuardAsync(Move.App);
        foreach (var step in new[] { "quiesce", "fence", "final-snapshot" })
        {
            var failure = await Assert.ThrowsAsync<ActivityException>(() => move.AgentA.RunAsync(move.Request(step, StepDirection.Do)));
            Assert.Equal(("superseded", false), (failure.Failure.Code, failure.Failure.Retryable));
        }

        Assert.Equal(AppRunState.Running, move.A.State(Move.App));
        Assert.True(move.A.ReadWriterState(Move.App).MayRun("edge-a"));
    }

    [Fact]
    public async Task An_undo_and_the_guard_at_the_same_moment_bring_the_source_back_once()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("final-snapshot");
        move.AgentA.Clock.NowMs += 20_000;
        await Task.WhenAll(Task.Run(() => move.AgentA.GuardAsync(Move.App), Token), Task.Run(move.UndoAllAsync, Token));
        await move.AssertRestoredAsync();
        Assert.Single(move.A.Calls, call => call == "hook unquiesced");
    }

    [Fact]
    public async Task Nothing_is_started_when_nothing_is_left_of_the_blackout()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("start");
        move.BlackoutLeft = TimeSpan.Zero;
        var failure = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("start"));
        Assert.Equal(("blackout-over", false), (failure.Failure.Code, failure.Failure.Retryable));
        await move.UndoAllAsync();
        await move.AssertRestoredAsync();
    }

    private static async Task<(string, RelocationPhase)> WriterAsync(Move move)
    {
        var record = await move.RecordAsync();
        return (record!.Writer, record.Phase);
    }

    private static async Task Until(Func<bool> condition)
    {
        for (var i = 0; !condition(); i++)
        {
            Assert.True(i < 3000, "the condition did not come true");
            await Task.Delay(10, Token);
        }
    }
}
