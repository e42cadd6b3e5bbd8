using StatefulRelocate.Activities.Leases;
using StatefulRelocate.Activities.Tests.Moves;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Snapshots.Leases;

namespace StatefulRelocate.Activities.Tests;

/// <summary>A cluster that was off while an operator broke the record, and comes up again.</summary>
public sealed class MissedBreakTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_cluster_that_was_off_when_its_app_was_given_away_does_not_start_it_and_kills_what_of_it_runs()
    {
        await using var move = await MovedAsync();
        await BreakAsync(move, "edge-a");

        await ComeUpAsync(move.AgentB);

        Assert.Equal(AppRunState.Stopped, move.B.State(Move.App));
        move.B.Reboot(Move.App);
        Assert.Equal(AppRunState.Stopped, move.B.State(Move.App));
        Assert.Equal((true, "edge-a"), (move.B.ReadWriterState(Move.App).Fenced, move.B.ReadWriterState(Move.App).Record!.Writer));
    }

    [Fact]
    public async Task With_the_store_out_of_reach_it_goes_by_its_own_copy()
    {
        await using var move = await MovedAsync();
        await BreakAsync(move, "edge-a");
        move.Store.Unreachable = true;

        await ComeUpAsync(move.AgentB);
        move.B.Reboot(Move.App);

        Assert.Equal(AppRunState.Running, move.B.State(Move.App));
    }

    [Fact]
    public async Task An_app_that_was_given_away_and_has_moved_on_since_is_not_started_either_and_its_operator_is_not_held_up()
    {
        await using var move = await MovedAsync();
        await BreakAsync(move, "edge-a");
        var store = new WriterRecordStore(move.Repository);
        var broken = await store.ReadAsync(Move.App, Cancellation);
        await store.SwapAsync(
            broken, broken!.Record with { Epoch = broken.Record.Epoch + 1, RelocationId = "r-9", Phase = RelocationPhase.Fenced, Writer = WriterRecord.Nobody, ChangeId = "9" }, Cancellation);

        await ComeUpAsync(move.AgentB);

        var copy = move.B.ReadWriterState(Move.App);
        Assert.False(copy.MayRun("edge-b"));
        Assert.Null(copy.Record!.RelocationId);
    }

    [Fact]
    public async Task A_cluster_that_was_off_when_it_was_given_the_app_may_start_it_and_the_claim_of_the_lost_relocation_is_gone()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("final-snapshot");
        Assert.False(move.A.ReadWriterState(Move.App).MayRun("edge-a"));
        await BreakAsync(move, "edge-a");

        await ComeUpAsync(move.AgentA);

        Assert.True(move.A.ReadWriterState(Move.App).MayRun("edge-a"));
        Assert.Null(LeaseClaim.Read(move.A, Move.App));
    }

    [Fact]
    public async Task In_the_middle_of_a_relocation_nobody_learns_anything()
    {
        await using var move = await Move.StartAsync();
        foreach (var step in Move.Steps)
        {
            await move.DoAsync(step);
            var before = (move.A.ReadWriterState(Move.App), move.B.ReadWriterState(Move.App), move.A.State(Move.App), move.B.State(Move.App));
            await ComeUpAsync(move.AgentA);
            await ComeUpAsync(move.AgentB);
            Assert.Equal(before, (move.A.ReadWriterState(Move.App), move.B.ReadWriterState(Move.App), move.A.State(Move.App), move.B.State(Move.App)));
        }

        Assert.Empty(move.World.Violations);
    }

    [Theory]
    [InlineData("quiesce")]
    [InlineData("fence")]
    [InlineData("final-restore")]
    [InlineData("start")]
    [InlineData("ready")]
    public async Task In_the_middle_of_an_undo_neither(string last)
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync(last);
        await move.DoAsync(last);
        foreach (var step in move.ToUndo.ToList())
        {
            await move.UndoAsync(step);
            await ComeUpAsync(move.AgentA);
            await ComeUpAsync(move.AgentB);
        }

        await move.AssertRestoredAsync(last);
    }

    private static async Task<Move> MovedAsync()
    {
        var move = await Move.StartAsync();
        await move.CompleteAsync();
        return move;
    }

    private static async Task BreakAsync(Move move, string writer) => await new LeaseDesk(move.Repository).BreakAsync(Move.App, writer, 0, Cancellation);

    private static Task ComeUpAsync(TestAgent agent) => MissedBreaks.LearnAsync(agent, Cancellation);
}
