using StatefulRelocate.Activities.Tests.Moves;
using StatefulRelocate.Activities.Volumes;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Activities.Tests;

public sealed class WholeMoveTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_move_ends_with_the_app_its_data_and_its_name_on_the_target()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("quiesce");
        await File.AppendAllTextAsync(Path.Combine(move.VolumeA, "database"), "the last write", Token);
        await move.CompleteAsync();

        Assert.Empty(move.World.Violations);
        Assert.Equal(AppRunState.Stopped, move.A.State(Move.App));
        Assert.Equal(AppRunState.Running, move.B.State(Move.App));
        Assert.Equal(["127.0.0.12"], (await move.DnsAsync()).Records);
        Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(move.VolumeA, "database"), Token), await File.ReadAllBytesAsync(Path.Combine(move.VolumeB, "database"), Token));
        var record = await move.RecordAsync();
        Assert.Equal((null, "edge-b", RelocationPhase.None), (record!.RelocationId, record.Writer, record.Phase));
        Assert.False(move.A.ReadWriterState(Move.App).MayRun("edge-a"));
        Assert.True(move.B.ReadWriterState(Move.App).MayRun("edge-b"));
        Assert.Empty(await move.SealedNamesAsync());
        Assert.Contains("hook settle", move.A.Calls);
        Assert.Contains("hook started", move.B.Calls);
    }

    [Fact]
    public async Task Every_step_done_twice_is_as_good_as_once()
    {
        await using var move = await Move.StartAsync();
        foreach (var step in Move.Steps)
        {
            await move.DoAsync(step);
            await move.DoAsync(step);
        }

        Assert.Empty(move.World.Violations);
        Assert.Equal(AppRunState.Running, move.B.State(Move.App));
        Assert.Equal("edge-b", (await move.RecordAsync())!.Writer);
    }

    [Fact]
    public async Task Every_undo_without_its_do_leaves_the_world_as_it_was()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("prepare-source");
        foreach (var step in new[] { "start", "fence", "quiesce", "prepare-target", "prepare-source", "lease" })
        {
            await move.UndoAsync(step);
            await move.UndoAsync(step);
        }

        await move.AssertRestoredAsync();
    }

    [Theory]
    [InlineData("lease")]
    [InlineData("prepare-target")]
    [InlineData("restore-1")]
    [InlineData("fence")]
    [InlineData("final-snapshot")]
    [InlineData("start")]
    [InlineData("ready")]
    [InlineData("dns-switch")]
    public async Task A_move_undone_before_any_step_leaves_the_world_as_it_was(string step)
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync(step);
        await move.UndoAllAsync();
        await move.AssertRestoredAsync(step);
    }

    [Fact]
    public async Task A_late_do_after_its_undo_is_refused()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("fence");
        var late = move.Request("fence", StepDirection.Do);
        await move.UndoAllAsync();

        var refusal = await Assert.ThrowsAsync<ActivityException>(() => move.AgentA.RunAsync(late));
        Assert.Equal("superseded", refusal.Failure.Code);
        await move.AssertRestoredAsync();
    }

    [Fact]
    public async Task A_second_relocation_is_refused_while_the_first_holds_the_app()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("prepare-source");
        move.Next("r-2", back: false);
        var refusal = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("preflight-source"));
        Assert.Equal(("lease-held", false), (refusal.Failure.Code, refusal.Failure.Retryable));
        refusal = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("lease"));
        Assert.Equal(("lease-held", false), (refusal.Failure.Code, refusal.Failure.Retryable));
        Assert.Equal("r-1", (await move.RecordAsync())!.RelocationId);
    }

    [Fact]
    public async Task A_move_back_takes_the_retained_volume_as_its_warm_copy()
    {
        await using var move = await Move.StartAsync();
        await move.CompleteAsync();
        var marks = new VolumeMarks(move.A, Move.App);
        Assert.Equal("r-1", marks.Find("data")!.RetainedBy);
        await File.WriteAllTextAsync(Path.Combine(move.VolumeB, "new"), "written on edge-b", Token);

        move.Next("r-2", back: true);
        await move.ReachAsync("restore-1");
        Assert.Equal("r-2", marks.Find("data")!.PreparedBy);
        await move.CompleteAsync();

        Assert.Empty(move.World.Violations);
        Assert.Equal(AppRunState.Running, move.A.State(Move.App));
        Assert.Equal("written on edge-b", await File.ReadAllTextAsync(Path.Combine(move.VolumeA, "new"), Token));
        Assert.Equal("r-2", new VolumeMarks(move.B, Move.App).Find("data")!.RetainedBy);
        Assert.Null(new VolumeMarks(move.B, Move.App).Find("data")!.StartedBy);
    }

    [Fact]
    public async Task An_undone_move_back_keeps_the_retained_volume()
    {
        await using var move = await Move.StartAsync();
        await move.CompleteAsync();
        move.Next("r-2", back: true);
        await move.ReachAsync("ready");
        await move.UndoAllAsync();

        Assert.Empty(move.World.Violations);
        Assert.Equal(AppRunState.Running, move.B.State(Move.App));
        Assert.True(Directory.Exists(move.VolumeA));
        var mark = new VolumeMarks(move.A, Move.App).Find("data")!;
        Assert.Equal((null, null, "r-2"), (mark.PreparedBy, mark.StartedBy, mark.RetainedBy));
        Assert.NotNull(await move.A.FindAsync(Move.App, Token));
    }

    [Fact]
    public async Task Data_that_no_relocation_put_on_the_target_is_never_restored_over()
    {
        await using var move = await Move.StartAsync();
        Directory.CreateDirectory(move.VolumeB);
        await File.WriteAllTextAsync(Path.Combine(move.VolumeB, "theirs"), "precious", Token);
        await move.ReachAsync("prepare-target");

        var refusal = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("prepare-target"));
        Assert.Equal(("volume-not-ours", false), (refusal.Failure.Code, refusal.Failure.Retryable));
        await move.UndoAllAsync();
        Assert.Equal("precious", await File.ReadAllTextAsync(Path.Combine(move.VolumeB, "theirs"), Token));
    }

    [Fact]
    public async Task Nothing_is_restored_over_a_volume_that_the_app_was_started_on()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("ready");
        var refusal = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("restore-1"));
        Assert.False(refusal.Failure.Retryable);
        Assert.Contains(refusal.Failure.Code, new[] { "writer-volume", "volume-started" });
    }
}
