using StatefulRelocate.Activities.Tests.Moves;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Activities.Tests;

public sealed class LostAnswerTests
{
    [Theory]
    [InlineData("lease")]
    [InlineData("fence")]
    [InlineData("start")]
    [InlineData("dns-switch")]
    [InlineData("release-lease")]
    public async Task A_swap_whose_answer_was_lost_is_settled_by_reading_it_back(string step)
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync(step);
        move.Store.LostLeaseAnswers = 1;
        await move.DoAsync(step);
        await move.CompleteAsync();
        Assert.Equal("edge-b", (await move.RecordAsync())!.Writer);
    }

    [Theory]
    [InlineData("preflight-source")]
    [InlineData("preflight-target")]
    public async Task A_store_that_keeps_no_conditions_is_refused_before_anything_is_done(string step)
    {
        await using var move = await Move.StartAsync(conditions: ConditionKeeping.Claims);
        var failure = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync(step));
        Assert.Equal(("bad-input", false), (failure.Failure.Code, failure.Failure.Retryable));
        Assert.Contains("its server knows no conditional writes", failure.Message, StringComparison.Ordinal);
        await move.UndoAsync(step);
        Assert.Equal(AppRunState.Running, move.A.State(Move.App));
    }

    [Fact]
    public async Task A_fence_that_cannot_reach_the_store_fails_with_the_fence_standing_and_can_be_tried_again()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("fence");
        move.Store.Unreachable = true;
        var request = move.Request("fence", StepDirection.Do);
        var failure = await Assert.ThrowsAsync<ActivityException>(() => move.SendAsync(request));
        Assert.Equal(("store-unreachable", true), (failure.Failure.Code, failure.Failure.Retryable));
        Assert.True(move.A.ReadWriterState(Move.App).Fenced);
        move.Store.Unreachable = false;
        await move.SendAsync(request with { Attempt = 2 });
        await move.CompleteAsync();
    }

    [Fact]
    public async Task Without_the_store_the_source_is_thawed_on_the_engines_order_while_no_start_was_dispatched()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("final-snapshot");
        move.Store.Unreachable = true;
        await move.UndoAsync("fence");
        await move.UndoAsync("quiesce");
        Assert.Equal(AppRunState.Running, move.A.State(Move.App));
        Assert.True(move.A.ReadWriterState(Move.App).MayRun("edge-a"));

        move.Store.Unreachable = false;
        Assert.Equal(WriterRecord.Nobody, (await move.RecordAsync())!.Writer);
        await move.UndoAllAsync();
        await move.AssertRestoredAsync();
    }

    [Fact]
    public async Task Without_the_store_the_source_stays_silent_once_a_start_was_dispatched()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("ready");
        move.Store.Unreachable = true;
        var failure = await Assert.ThrowsAsync<ActivityException>(() => move.UndoAsync("fence"));
        Assert.Equal("store-unreachable", failure.Failure.Code);
        Assert.NotEqual(AppRunState.Running, move.A.State(Move.App));
        Assert.Empty(move.World.Violations);
    }

    [Fact]
    public async Task Without_the_store_an_agent_alone_waits_for_it()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("final-snapshot");
        move.AgentA.Clock.NowMs += 11_000;
        move.Store.Unreachable = true;
        await Assert.ThrowsAnyAsync<Exception>(() => move.AgentA.GuardAsync(Move.App));
        Assert.NotEqual(AppRunState.Running, move.A.State(Move.App));
        move.Store.Unreachable = false;
        await move.AgentA.GuardAsync(Move.App);
        Assert.Equal(AppRunState.Running, move.A.State(Move.App));
    }

    [Fact]
    public async Task The_source_is_not_won_back_while_the_target_is_the_writer()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("ready");
        var failure = await Assert.ThrowsAsync<ActivityException>(() => move.UndoAsync("fence"));
        Assert.Equal("target-is-writer", failure.Failure.Code);
        Assert.Empty(move.World.Violations);
    }

    [Fact]
    public async Task A_fence_is_refused_while_anything_writes()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("fence");
        move.A.Noise = ["process 7 (vim) has database open for writing"];
        var failure = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("fence"));
        Assert.Equal(("not-silent", true), (failure.Failure.Code, failure.Failure.Retryable));
        Assert.Contains("vim", failure.Message, StringComparison.Ordinal);
        Assert.False(move.A.ReadWriterState(Move.App).Fenced);
        Assert.Equal("edge-a", (await move.RecordAsync())!.Writer);
    }
}
