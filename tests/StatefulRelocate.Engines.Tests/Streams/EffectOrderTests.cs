using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Engines.Tests.Rig;
using static StatefulRelocate.Engines.Tests.Streams.Effects;

namespace StatefulRelocate.Engines.Tests.Streams;

/// <summary>Who may act on an app, and who has to end first.</summary>
public sealed class EffectOrderTests : IDisposable
{
    private readonly Effects _effects = new();

    [Theory]
    [InlineData(3, 2)]
    [InlineData(3, 1)]
    [InlineData(2, 9)]
    public async Task An_attempt_that_is_not_newer_than_the_last_one_is_refused(long sequence, int attempt)
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => _effects.Journal.RunAsync(Do(StepKind.Fence, 3, 2), _ => throw new InvalidOperationException(), TestContext.Current.CancellationToken));

        var failure = await Refused(_effects.ActAsync(Do(StepKind.Fence, sequence, attempt)));

        Assert.Equal((FailureCode.Superseded, false, false), (failure.Code, failure.Retryable, failure.CertainlyNoEffect));
        Assert.Empty(_effects.Acted);
    }

    [Fact]
    public async Task A_retry_cancels_the_older_attempt_and_acts_only_after_its_end()
    {
        var older = _effects.Begin(Do(StepKind.Fence, 3, 1), deaf: true);

        var retry = _effects.Begin(Do(StepKind.Fence, 3, 2));
        await older.Cancelled;
        Assert.False(retry.Acts);
        // Something else of the app is not held up by that.
        await _effects.ActAsync(Do(StepKind.RollCall, 4));
        Assert.False(retry.Acts);

        older.End();
        Assert.Equal("fence 3.1", (await retry.Result.Soon()).SnapshotId);
        Assert.False(retry.Acts);
    }

    [Fact]
    public async Task A_retry_acts_once_the_older_attempt_gave_up_and_that_one_is_told_that_it_was_superseded()
    {
        var older = _effects.Begin(Do(StepKind.Fence, 3, 1));

        var retried = await _effects.ActAsync(Do(StepKind.Fence, 3, 2));

        Assert.Equal("fence 3.2", retried.SnapshotId);
        Assert.Equal(FailureCode.Superseded, (await Refused(older.Result)).Code);
    }

    [Fact]
    public async Task Three_attempts_act_one_after_the_other_even_when_the_middle_one_never_came_to_act()
    {
        var first = _effects.Begin(Do(StepKind.Fence, 3, 1), deaf: true);
        var second = _effects.Begin(Do(StepKind.Fence, 3, 2));
        var third = _effects.Begin(Do(StepKind.Fence, 3, 3));
        await first.Cancelled;
        Assert.False(second.Acts || third.Acts || third.Result.IsCompleted);

        first.End();

        Assert.Equal(FailureCode.Superseded, (await Refused(second.Result)).Code);
        Assert.Equal("fence 3.1", (await third.Result.Soon()).SnapshotId);
        Assert.Equal(["fence"], _effects.Acted);
    }

    [Fact]
    public async Task The_first_undo_ends_every_do_in_flight_and_then_acts()
    {
        var snapshot = _effects.Begin(Do(StepKind.Snapshot, 3));
        var fence = _effects.Begin(Do(StepKind.Fence, 4), deaf: true);

        var undo = _effects.Begin(Undo(StepKind.Quiesce, 5));
        await fence.Cancelled;
        Assert.Equal(FailureCode.Superseded, (await Refused(snapshot.Result)).Code);
        Assert.False(undo.Acts);

        fence.End();
        await fence.Result.Soon();
        await Poll.UntilAsync(() => undo.Acts, "the undo acts");
        undo.End();
        await undo.Result.Soon();
    }

    [Fact]
    public async Task A_late_undo_that_never_knew_its_epoch_ends_nothing_of_a_newer_relocation()
    {
        var older = _effects.Begin(Do(StepKind.Lease, 2, relocation: "one", epoch: 0));
        var newer = _effects.Begin(Do(StepKind.Fence, 3, relocation: "two", epoch: 6));
        var preflight = _effects.Begin(Do(StepKind.Preflight, 1, relocation: "three", epoch: 0));

        await _effects.ActAsync(Undo(StepKind.Lease, 9, relocation: "one", epoch: 0));

        Assert.Equal(FailureCode.Superseded, (await Refused(older.Result)).Code);
        newer.End();
        preflight.End();
        await Task.WhenAll(newer.Result, preflight.Result).Soon();
    }

    [Fact]
    public async Task The_undo_of_a_newer_relocation_ends_the_dos_of_an_older_one()
    {
        var older = _effects.Begin(Do(StepKind.Fence, 3, relocation: "one", epoch: 5));

        await _effects.ActAsync(Undo(StepKind.Quiesce, 2, relocation: "two", epoch: 6));

        Assert.Equal(FailureCode.Superseded, (await Refused(older.Result)).Code);
    }

    [Fact]
    public async Task After_the_first_undo_no_do_of_that_relocation_acts_any_more_but_one_of_the_next_does()
    {
        await _effects.ActAsync(Undo(StepKind.Quiesce, 5));

        Assert.Equal(FailureCode.Superseded, (await Refused(_effects.ActAsync(Do(StepKind.Fence, 6)))).Code);
        _effects.Restart();
        Assert.Equal(FailureCode.Superseded, (await Refused(_effects.ActAsync(Do(StepKind.Start, 7)))).Code);
        Assert.True(_effects.Journal.IsClosed("shop", "one"));
        await _effects.ActAsync(Do(StepKind.Fence, 1, relocation: "two", epoch: 6));
        Assert.Equal(["undo quiesce", "fence"], _effects.Acted);
    }

    [Fact]
    public async Task A_do_that_arrives_after_its_undo_is_refused_though_it_has_no_mark_of_its_own()
    {
        await _effects.ActAsync(Undo(StepKind.Fence, 5));

        Assert.Equal(FailureCode.Superseded, (await Refused(_effects.ActAsync(Do(StepKind.Fence, 4)))).Code);
    }

    [Fact]
    public async Task Undos_of_one_app_act_one_at_a_time()
    {
        var first = _effects.Begin(Undo(StepKind.Fence, 5));
        var second = _effects.Begin(Undo(StepKind.Quiesce, 6));
        Assert.True(first.Acts);
        Assert.False(second.Acts);

        first.End();
        await Poll.UntilAsync(() => second.Acts, "the second undo has its turn");
        second.End();
        await second.Result.Soon();
    }

    [Fact]
    public async Task Dos_of_one_app_act_beside_each_other()
    {
        var restore = _effects.Begin(Do(StepKind.FinalRestore, 3));
        var rollCall = _effects.Begin(Do(StepKind.RollCall, 4));

        Assert.True(restore.Acts && rollCall.Acts);
        restore.End();
        rollCall.End();
        await Task.WhenAll(restore.Result, rollCall.Result).Soon();
    }

    [Fact]
    public async Task An_epoch_below_the_highest_one_is_refused_and_a_preflight_is_not()
    {
        await _effects.ActAsync(Do(StepKind.Lease, 3, epoch: 8));
        _effects.Restart();

        Assert.Equal(8, _effects.Journal.HighestEpoch("shop"));
        Assert.Equal(FailureCode.Superseded, (await Refused(_effects.ActAsync(Do(StepKind.Fence, 9, relocation: "two", epoch: 7)))).Code);
        Assert.Equal(FailureCode.Superseded, (await Refused(_effects.ActAsync(Undo(StepKind.Fence, 9, relocation: "two", epoch: 7)))).Code);
        await _effects.ActAsync(Do(StepKind.Preflight, 1, relocation: "two", epoch: 0));
    }

    [Fact]
    public async Task Closing_ends_what_comes_before_the_point_of_no_return_and_leaves_what_comes_after_it()
    {
        var start = _effects.Begin(Do(StepKind.Start, 3));
        var dns = _effects.Begin(Do(StepKind.DnsSwitch, 4));

        await _effects.Journal.CloseAsync("shop", "one", TestContext.Current.CancellationToken).Soon();

        Assert.Equal(FailureCode.Superseded, (await Refused(start.Result)).Code);
        dns.End();
        await dns.Result.Soon();
        await _effects.ActAsync(Do(StepKind.DnsVerify, 5));
        Assert.Equal(FailureCode.Superseded, (await Refused(_effects.ActAsync(Do(StepKind.Ready, 6)))).Code);
    }

    [Fact]
    public async Task An_attempt_that_its_sender_cancels_ends_as_cancelled()
    {
        using var sender = new CancellationTokenSource();
        var snapshot = _effects.Begin(Do(StepKind.Snapshot, 3), sender: sender);

        await sender.CancelAsync();

        var failure = await Refused(snapshot.Result);
        Assert.Equal(("cancelled", false), (failure.Code, failure.Retryable));
        await _effects.ActAsync(Do(StepKind.Snapshot, 3, 2));
    }

    [Fact]
    public async Task An_undo_waits_for_the_guard_that_undoes_by_itself()
    {
        var turn = await _effects.Journal.EnterUndoAsync("shop", TestContext.Current.CancellationToken);
        var undo = _effects.Begin(Undo(StepKind.Fence, 5));
        Assert.False(undo.Acts);

        turn.Dispose();
        turn.Dispose();

        await Poll.UntilAsync(() => undo.Acts, "the undo has its turn");
        undo.End();
        await undo.Result.Soon();
    }

    public void Dispose() => _effects.Dispose();
}
