using StatefulRelocate.Activities.Tests.Moves;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Leases;

namespace StatefulRelocate.Activities.Tests;

public sealed class DnsSwitchTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_refusal_with_the_old_records_everywhere_is_certain_and_everything_is_undone()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("dns-switch");
        move.Dns.Refuses = true;
        var failure = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("dns-switch"));
        Assert.Equal(("dns-refused", false, true), (failure.Failure.Code, failure.Failure.Retryable, failure.Failure.CertainlyNoEffect));
        await move.UndoAllAsync();
        await move.AssertRestoredAsync();
    }

    [Fact]
    public async Task A_switch_whose_answer_was_lost_is_found_done_by_its_retry()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("dns-switch");
        move.Dns.LoseNextAnswer = true;
        var failure = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("dns-switch"));
        Assert.Equal(("dns-unanswered", true, false), (failure.Failure.Code, failure.Failure.Retryable, failure.Failure.CertainlyNoEffect));
        await move.DoAsync("dns-switch");
        await move.CompleteAsync();
        Assert.Equal(["127.0.0.12"], (await move.DnsAsync()).Records);
    }

    [Fact]
    public async Task A_refusal_after_an_unanswered_message_is_certain_of_nothing()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("dns-switch");
        move.Dns.LoseNextRequest = true;
        await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("dns-switch"));
        move.Dns.Refuses = true;
        var failure = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("dns-switch"));
        Assert.Equal(("dns-refused", true, false), (failure.Failure.Code, failure.Failure.Retryable, failure.Failure.CertainlyNoEffect));
        failure = await Assert.ThrowsAsync<ActivityException>(() => move.UndoAsync("dns-switch"));
        Assert.Equal(("dns-switched", false), (failure.Failure.Code, failure.Failure.Retryable));
        Assert.Equal(AppRunState.Running, move.B.State(Move.App));
    }

    [Fact]
    public async Task Records_that_somebody_else_set_are_left_alone_with_the_target_serving()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("dns-switch");
        await move.Dns.SwapAsync("edge.test", move.OldSet, move.OldSet with { Records = ["127.0.0.99"] }, Token);
        var failure = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("dns-switch"));
        Assert.Equal(("dns-foreign-set", false, false), (failure.Failure.Code, failure.Failure.Retryable, failure.Failure.CertainlyNoEffect));
        Assert.Contains("127.0.0.99", failure.Message, StringComparison.Ordinal);
        Assert.Equal(AppRunState.Running, move.B.State(Move.App));
        Assert.Equal(RelocationPhase.Committed, (await move.RecordAsync())!.Phase);
    }

    [Fact]
    public async Task After_the_switch_there_is_no_undo_of_it_nor_of_the_start()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("dns-verify");
        Assert.Equal("dns-switched", (await Assert.ThrowsAsync<ActivityException>(() => move.UndoAsync("dns-switch"))).Failure.Code);
        Assert.Equal("committed", (await Assert.ThrowsAsync<ActivityException>(() => move.UndoAsync("start"))).Failure.Code);
        Assert.Equal("superseded", (await Assert.ThrowsAsync<ActivityException>(() => move.UndoAsync("fence"))).Failure.Code);
        Assert.Equal(AppRunState.Running, move.B.State(Move.App));
        Assert.Empty(move.World.Violations);
    }
}
