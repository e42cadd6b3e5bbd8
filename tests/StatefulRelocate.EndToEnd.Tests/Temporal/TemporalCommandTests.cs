using StatefulRelocate.EndToEnd.Tests.Programs;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.EndToEnd.Tests.Temporal;

/// <summary>The commands of a user whose relocations run on a Temporal server, from several terminals at once.</summary>
[Collection(TemporalCollection.Name)]
public sealed class TemporalCommandTests
{
    private const string Id = "night-move";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task A_move_is_followed_paused_resumed_and_approved_from_other_terminals()
    {
        await using var world = await TemporalWorld.CreateAsync(TimeSpan.FromSeconds(20), approval: true);
        using var run = await AtTheGateAsync(world);
        using var watch = world.World.Start("watch", "night");
        using var attached = world.World.Start("run", "-f", world.World.RelocationFile, "--id", Id);

        var status = await world.World.MustAsync("status");
        Assert.StartsWith($"{Id}: waits for approval", status.Output, StringComparison.Ordinal);
        Assert.Contains($"workflow {Id} on 127.0.0.1:", status.Output, StringComparison.Ordinal);
        Assert.Contains($"'relocate approve {Id}'", status.Output, StringComparison.Ordinal);
        Assert.Contains($"{Id}: paused", (await world.World.MustAsync("pause")).Output, StringComparison.Ordinal);
        Assert.Contains("paused at the gate", (await world.World.MustAsync("status")).Output, StringComparison.Ordinal);
        (await world.World.RunAsync("status", "day-move")).MustBeOneLine("'day-move'");
        (await world.World.RunAsync("resume", "--done", "teleport", "--reason", "by hand")).MustBeOneLine("it has no step 'teleport'");
        using var resume = world.World.Start("resume");
        await Eventually.IsTrueAsync("it is at the gate again", async () => (await world.World.MustAsync("list")).Output.Contains("waits for approval", StringComparison.Ordinal), Limit);
        Assert.Contains("approved", (await world.World.MustAsync("approve", Id)).Output, StringComparison.Ordinal);

        foreach (var (follower, says) in new[] { (run, "\"completed\""), (watch, "quiesce"), (attached, "dns-switch"), (resume, "completed") })
        {
            var result = await follower.WaitAsync(Limit);
            Assert.True(result.ExitCode == 0, result.ToString());
            Assert.Contains(says, result.Output, StringComparison.Ordinal);
        }

        await world.EndsLegallyAsync();
        Assert.Contains($"{Id}: completed", (await world.World.MustAsync("status")).Output, StringComparison.Ordinal);
        foreach (var command in (string[])["abort", "approve", "pause", "resume"])
            (await world.World.RunAsync(command, Id)).MustBeOneLine("is over");
        (await world.World.RunAsync("run", "-f", world.World.RelocationFile, "--id", Id)).MustBeOneLine(Id);
    }

    [Fact]
    public async Task A_second_move_of_the_same_app_is_undone_with_the_reason_and_an_abort_undoes_the_first()
    {
        await using var world = await TemporalWorld.CreateAsync(TimeSpan.FromSeconds(20), approval: true);
        using var run = await AtTheGateAsync(world);

        var second = await world.World.RunAsync("run", "-f", world.World.RelocationFile, "--id", "second-move");
        Assert.True(second.ExitCode == 4, second.ToString());
        Assert.Contains(Id, second.Output, StringComparison.Ordinal);
        Assert.Contains($"{Id}: it is being undone", (await world.World.MustAsync("abort")).Output, StringComparison.Ordinal);

        var result = await run.WaitAsync(Limit);
        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.Equal("aborted", World.Report(result).GetProperty("outcome").GetString());
        var (from, to) = (world.Lines("edge-a").Count, world.Lines("edge-b"));
        await Eventually.IsTrueAsync("the source goes on", () => world.Lines("edge-a").Count > from, Limit);
        Assert.Equal(to, world.Lines("edge-b"));
    }

    [Fact]
    public async Task The_first_Ctrl_C_undoes_and_the_second_leaves_the_undoing_to_the_server()
    {
        await using var world = await TemporalWorld.CreateAsync(TimeSpan.FromSeconds(20), approval: true);
        using var run = await AtTheGateAsync(world);
        // Undoing waits for the source's agent, so that there is a time to leave in.
        await world.KillAsync(TemporalWorld.SourceAgent);

        run.Interrupt();
        await Eventually.IsTrueAsync("it is being undone", async () => (await world.World.MustAsync("list")).Output.Contains("undo", StringComparison.Ordinal), Limit);
        run.Interrupt();
        var left = await run.WaitAsync(Limit);
        await world.StartAgainAsync(TemporalWorld.SourceAgent);

        Assert.True(left.ExitCode == 130, left.ToString());
        Assert.Contains($"'relocate watch {Id}'", left.Errors, StringComparison.Ordinal);
        var watched = await world.World.RunAsync("watch", Id);
        Assert.True(watched.ExitCode == 4, watched.ToString());
    }

    [Theory]
    [InlineData("list")]
    [InlineData("status")]
    [InlineData("watch")]
    [InlineData("approve")]
    [InlineData("pause")]
    [InlineData("resume")]
    [InlineData("abort")]
    public async Task A_server_that_is_not_there_is_named(string command)
    {
        using var directory = new TemporaryDirectory();

        var result = await RelocateProgram.RunAsync([command, "--engine", "temporal", "--state", directory.File("state")], new Dictionary<string, string> { ["TEMPORAL_ADDRESS"] = "127.0.0.1:1" });

        result.MustBeOneLine("127.0.0.1:1");
    }

    [Fact]
    public async Task A_namespace_that_is_not_there_is_named()
    {
        await using var server = await TemporalServer.TryStartAsync(TestContext.Current.CancellationToken);
        if (server is null)
            Assert.Skip(TemporalServer.Missing);

        (await RelocateProgram.RunAsync(["list", "--engine", "temporal"], new Dictionary<string, string>(server.Variables) { ["TEMPORAL_NAMESPACE"] = "nights" })).MustBeOneLine("nights");
    }

    private static async Task<RunningProgram> AtTheGateAsync(TemporalWorld world)
    {
        var run = world.World.Start("run", "-f", world.World.RelocationFile, "--json", "--id", Id);
        await Eventually.IsTrueAsync(
            "the gate", async () => run.HasExited || (await world.World.MustAsync("list")).Output.Contains("waits for approval", StringComparison.Ordinal), Limit);
        return run;
    }
}
