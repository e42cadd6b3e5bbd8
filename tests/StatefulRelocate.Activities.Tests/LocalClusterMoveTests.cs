using StatefulRelocate.Activities.Blackout;
using StatefulRelocate.Activities.Tests.Moves;
using StatefulRelocate.Clusters;
using StatefulRelocate.Clusters.Local;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Activities.Tests;

/// <summary>The same steps with real processes: a shell loop that writes numbered lines, kept by real keepers on two local clusters.</summary>
public sealed class LocalClusterMoveTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(QuiesceMode.Stop)]
    [InlineData(QuiesceMode.Freeze)]
    public async Task A_writing_app_moves_with_every_line_it_wrote(QuiesceMode mode)
    {
        await using var move = await StartAsync(mode);
        await move.ReachAsync("start");
        var written = Lines(move.VolumeA);
        Assert.Equal(written, Lines(move.VolumeB));
        await move.DoAsync("start");
        await move.CompleteAsync();
        await Until(() => Lines(move.VolumeB).Length > written.Length, "the target writes on");
        Assert.Equal(written, Lines(move.VolumeA));
        Assert.Equal(written, Lines(move.VolumeB)[..written.Length]);
        Assert.Equal(AppRunState.Stopped, await StateAsync(move.AgentA));
    }

    [Theory]
    [InlineData(QuiesceMode.Stop)]
    [InlineData(QuiesceMode.Freeze)]
    public async Task A_move_undone_after_the_start_has_the_source_writing_again(QuiesceMode mode)
    {
        await using var move = await StartAsync(mode);
        await move.ReachAsync("dns-switch");
        var written = Lines(move.VolumeA).Length;
        await move.UndoAllAsync();
        await Until(() => Lines(move.VolumeA).Length > written, "the source writes on");
        Assert.Null(await move.AgentB.Cluster.FindAsync(Move.App, Token));
        Assert.False(Directory.Exists(move.VolumeB));
        Assert.Equal("edge-a", (await move.RecordAsync())!.Writer);
    }

    [Fact]
    public async Task Without_an_engine_the_guards_bring_the_source_back_after_the_target_was_started()
    {
        await using var move = await StartAsync(QuiesceMode.Freeze);
        await move.ReachAsync("dns-switch");
        var written = Lines(move.VolumeA).Length;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var guards = Task.WhenAll(move.AgentA.Guard.RunAsync(end.Token), move.AgentB.Guard.RunAsync(end.Token));
        move.AgentA.Clock.NowMs += 20_000;
        move.AgentB.Clock.NowMs += 20_000;
        await Until(() => Lines(move.VolumeA).Length > written && BlackoutDeadline.Read(move.AgentA.Cluster, Move.App) is null, "the source writes on");
        await end.CancelAsync();
        await guards;
        Assert.Equal(AppRunState.Stopped, await StateAsync(move.AgentB));
    }

    private static async Task<Move> StartAsync(QuiesceMode mode)
    {
        var move = await Move.StartAsync(StartClusterAsync, new AppDefinition
        {
            Name = Move.App,
            Volumes = [new AppVolume("data")],
            Processes =
            [
                new AppProcess
                {
                    Name = "writer",
                    Command = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo \"$RELOCATE_CLUSTER $i\" >> log; sleep 0.01; done"],
                    WorkingDirectory = "${volumes.data}",
                },
            ],
        });
        move.Spec = move.Spec with { Cutover = move.Spec.Cutover with { Quiesce = mode } };
        await Until(() => Lines(move.VolumeA).Length > 3, "the source writes");
        return move;
    }

    private static async Task<ICluster> StartClusterAsync(string name, string address, string directory)
    {
        var cluster = new LocalCluster(new LocalClusterOptions
        {
            Name = name,
            Address = address,
            StateDirectory = directory,
            KeeperCommand = [Path.Combine(AppContext.BaseDirectory, "StatefulRelocate.Activities.Tests"), "keeper"],
        });
        await cluster.StartAsync(Token);
        return cluster;
    }

    private static async Task<AppRunState> StateAsync(TestAgent agent) => (await agent.Cluster.FindAsync(Move.App, Token))!.State;

    private static string[] Lines(string volume)
    {
        var path = Path.Combine(volume, "log");
        return File.Exists(path) ? File.ReadAllLines(path) : [];
    }

    private static async Task Until(Func<bool> condition, string what)
    {
        for (var i = 0; !condition(); i++)
        {
            Assert.True(i < 3000, "it did not come true: " + what);
            await Task.Delay(10, Token);
        }
    }
}
