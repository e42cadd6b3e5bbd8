using StatefulRelocate.EndToEnd.Tests.Kills;
using StatefulRelocate.EndToEnd.Tests.Programs;

namespace StatefulRelocate.EndToEnd.Tests.Terminals;

/// <summary>What other processes say to a running relocation, through its journal.</summary>
public sealed class OtherTerminalTests
{
    /// <summary>Any program can be an app: this one appends a line every few milliseconds.</summary>
    private const string AppFile = """
        volumes: [{name: data}]
        processes:
          - name: writer
            command: ["/bin/sh", "-c", "while :; do date +%s%N >> \"$RELOCATE_VOLUME_DATA/lines\"; sleep 0.01; done"]
            workingDirectory: "${volumes.data}"
            stop: {signal: TERM, grace: 2s}
        """;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task An_approval_from_another_process_opens_the_gate()
    {
        await using var world = await World.CreateAsync(AppFile, "{maxDowntime: 2s, maxBlackout: 60s, onNoConvergence: cutover-anyway, approval: true}");
        using var run = world.Start("run", "-f", world.RelocationFile, "--json");
        await WaitsAsync(world, run);

        await world.MustAsync("approve");
        var result = await run.WaitAsync(Limit);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("completed", World.Report(result).GetProperty("outcome").GetString());
        await GrowsAsync(world, "edge-b");
    }

    [Fact]
    public async Task An_abort_from_another_process_undoes_everything()
    {
        await using var world = await World.CreateAsync(AppFile, "{maxDowntime: 2s, maxBlackout: 60s, onNoConvergence: cutover-anyway, approval: true}");
        using var run = world.Start("run", "-f", world.RelocationFile, "--json");
        await WaitsAsync(world, run);

        await world.MustAsync("abort");
        var result = await run.WaitAsync(Limit);

        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.Equal("aborted", World.Report(result).GetProperty("outcome").GetString());
        await GrowsAsync(world, "edge-a");
        var again = await world.RunAsync("abort");
        Assert.True(again.ExitCode != 0 && again.Errors.TrimEnd('\n').Split('\n').Length == 1, again.ToString());
    }

    [Fact]
    public async Task A_pause_holds_the_cutover_until_a_resume()
    {
        await using var world = await World.CreateAsync(AppFile, "{maxDowntime: 2s, maxBlackout: 60s, onNoConvergence: cutover-anyway, approval: true}");
        using var run = world.Start("run", "-f", world.RelocationFile, "--json");
        await WaitsAsync(world, run);

        await world.MustAsync("pause");
        await world.MustAsync("approve");
        await Eventually.IsTrueAsync("the pause", async () => (await world.MustAsync("status")).Output.Contains("paused", StringComparison.Ordinal), Limit);
        Assert.False(run.HasExited);
        Assert.False(JournalWatch.Started(world.StateDirectory, "quiesce"));
        using var resume = world.Start("resume");
        var result = await run.WaitAsync(Limit);

        Assert.True(result.ExitCode == 0, result.ToString());
        await resume.WaitAsync(Limit);
    }

    [Fact]
    public async Task What_would_disturb_an_open_relocation_is_refused_and_it_goes_on()
    {
        await using var world = await World.CreateAsync(AppFile, "{maxDowntime: 2s, maxBlackout: 60s, onNoConvergence: cutover-anyway, approval: true}");
        using var first = world.Start("run", "-f", world.RelocationFile, "--json");
        await WaitsAsync(world, first);
        Assert.Contains("relocate approve ", (await world.MustAsync("status")).Output, StringComparison.Ordinal);

        foreach (string[] arguments in (string[][])[["run", "-f", world.RelocationFile], ["cluster", "down", "edge-a"], ["cluster", "down", "edge-b"]])
        {
            var refused = await world.RunAsync(arguments);
            Assert.True(refused.ExitCode == 2 && refused.Errors.TrimEnd('\n').Split('\n').Length == 1, refused.ToString());
            Assert.Contains("relocate abort ", refused.Errors, StringComparison.Ordinal);
        }

        Assert.Single((await world.MustAsync("list")).Output.TrimEnd('\n').Split('\n'));
        await world.MustAsync("approve");
        var result = await first.WaitAsync(Limit);
        Assert.True(result.ExitCode == 0, result.ToString());
    }

    private static async Task WaitsAsync(World world, RunningProgram run)
    {
        await Eventually.IsTrueAsync("the relocation waiting for an approval", async () =>
        {
            if (run.HasExited)
                Assert.Fail($"the relocation ended: {await run.WaitAsync(Limit)}");
            return (await world.RunAsync("status")).Output.Contains("waits for approval", StringComparison.Ordinal);
        }, Limit);
    }

    private static Task GrowsAsync(World world, string cluster)
    {
        var file = new FileInfo(Path.Combine(world.VolumePath(cluster), "lines"));
        var length = file.Exists ? file.Length : 0;
        return Eventually.IsTrueAsync($"the app writing on {cluster}", () =>
        {
            file.Refresh();
            return file.Exists && file.Length > length;
        }, Limit);
    }
}
