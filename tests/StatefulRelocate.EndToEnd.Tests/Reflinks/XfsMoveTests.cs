using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using StatefulRelocate.EndToEnd.Tests.Programs;
using StatefulRelocate.TestSupport.FileSystems;

namespace StatefulRelocate.EndToEnd.Tests.Reflinks;

/// <summary>Relocations between clusters whose volumes lie on XFS: rounds keep reflinks of what changes, and none is left when the relocation is over.</summary>
public sealed class XfsMoveTests
{
    /// <summary>Overwrites pages of a table, large enough for reflinks, and counts in its volume, whichever cluster it runs on.</summary>
    private const string PagingApp = """
        volumes: [{name: data}]
        processes:
          - name: pager
            command:
              - /bin/sh
              - -c
              - |
                cd "$RELOCATE_VOLUME_DATA"
                test -e table || { head -c 33554432 /dev/urandom >table.new && mv table.new table; }
                n=$(tail -n 1 count 2>/dev/null || echo 0)
                while :; do
                  n=$((n + 1))
                  dd if=/dev/urandom of=table bs=8192 count=1 seek=$((n * 97 % 4096)) conv=notrunc status=none
                  echo "$n" >>count
                  sleep 0.02
                done
        readiness: {exec: [/bin/sh, -c, 'test -s "$RELOCATE_VOLUME_DATA/count"']}
        """;

    private const long TableSize = 32 << 20;
    private const string Cutover = "{changedRanges: reflink, maxDowntime: 5s, maxBlackout: 60s, onNoConvergence: cutover-anyway, approval: true}";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task An_app_moves_there_and_back_and_its_clones_are_gone_each_time()
    {
        using var xfs = LoopFileSystem.Create("xfs", mebibytes: 1024);
        await using var world = await CreateAsync(xfs);
        foreach (var (file, source, target) in new[] { (world.RelocationFile, "edge-a", "edge-b"), (world.RelocationBackFile, "edge-b", "edge-a") })
        {
            using var run = await KeepsClonesAsync(world, file, source);
            await world.MustAsync("approve");
            var result = await run.WaitAsync(Limit);

            Assert.True(result.ExitCode == 0, result.ToString());
            var report = World.Report(result);
            Assert.Equal("completed", report.GetProperty("outcome").GetString());

            // By the clones the final round knew what to read.
            var final = report.GetProperty("rounds").EnumerateArray().Single(round => round.GetProperty("final").GetBoolean());
            Assert.InRange(final.GetProperty("bytesScanned").GetInt64(), 1, TableSize / 2);
            RequireNoClones(world);
            await CountsOnAsync(world, target);
            await world.MustAsync("repo", "check", "--repo", $"dir:{world.Directory}/repository", "--key-file", Path.Combine(world.Directory, "repository.key"), "--read-data");
        }

        // Nothing that was counted on either cluster is missing, and nothing was counted twice.
        var lines = await File.ReadAllLinesAsync(Path.Combine(world.VolumePath("edge-a"), "count"), TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(1, lines.Length).Select(number => number.ToString(CultureInfo.InvariantCulture)), lines);
    }

    [Fact]
    public async Task An_aborted_relocation_leaves_no_clones_and_the_app_goes_on()
    {
        using var xfs = LoopFileSystem.Create("xfs", mebibytes: 1024);
        await using var world = await CreateAsync(xfs);
        using var run = await KeepsClonesAsync(world, world.RelocationFile, "edge-a");
        await world.MustAsync("abort");
        var result = await run.WaitAsync(Limit);

        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.Equal("aborted", World.Report(result).GetProperty("outcome").GetString());
        RequireNoClones(world);
        await CountsOnAsync(world, "edge-a");
    }

    [Theory]
    [InlineData("final-snapshot")]
    [InlineData("ready")]
    public async Task A_relocation_that_fails_in_the_blackout_and_is_undone_leaves_no_clones_and_the_app_goes_on(string step)
    {
        using var xfs = LoopFileSystem.Create("xfs", mebibytes: 1024);
        await using var world = await CreateAsync(xfs);
        using var run = await KeepsClonesAsync(world, world.RelocationFile, "edge-a", "--fail-at", step);
        await world.MustAsync("approve");
        var result = await run.WaitAsync(Limit);

        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.Equal("compensated", World.Report(result).GetProperty("outcome").GetString());
        RequireNoClones(world);
        await CountsOnAsync(world, "edge-a");
    }

    [Fact]
    public async Task A_relocation_whose_source_agent_is_killed_while_it_keeps_clones_leaves_none()
    {
        using var xfs = LoopFileSystem.Create("xfs", mebibytes: 1024);
        await using var world = await CreateAsync(xfs);
        using var run = await KeepsClonesAsync(world, world.RelocationFile, "edge-a");
        using (var record = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(world.StateDirectory, "clusters", "edge-a", "process.json"), TestContext.Current.CancellationToken)))
        using (var agent = Process.GetProcessById(record.RootElement.GetProperty("pid").GetInt32()))
        {
            agent.Kill();
            await agent.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        await world.MustAsync("cluster", "up", "edge-a");
        await world.MustAsync("approve");
        var result = await run.WaitAsync(Limit);

        Assert.True(result.ExitCode == 0, result.ToString());
        RequireNoClones(world);
        await CountsOnAsync(world, "edge-b");
    }

    private static Task<World> CreateAsync(LoopFileSystem xfs) => World.CreateAsync(PagingApp, Cutover, root: xfs.Mount);

    /// <summary>Starts a relocation and waits until it waits for its approval, with clones of what changed on the source.</summary>
    private static async Task<RunningProgram> KeepsClonesAsync(World world, string file, string source, params string[] arguments)
    {
        await CountsOnAsync(world, source);
        var run = world.Start(["run", "-f", file, "--json", .. arguments]);
        await Eventually.IsTrueAsync("the relocation waiting for an approval", async () =>
        {
            if (run.HasExited)
                Assert.Fail($"the relocation ended: {await run.WaitAsync(Limit)}");
            return (await world.RunAsync("status")).Output.Contains("waits for approval", StringComparison.Ordinal);
        }, Limit);
        Assert.NotEmpty(Directory.GetFiles(Clones(world, source), "*", SearchOption.AllDirectories));
        return run;
    }

    private static void RequireNoClones(World world) => Assert.All(["edge-a", "edge-b"], cluster => Assert.False(Directory.Exists(Clones(world, cluster)), cluster));

    private static string Clones(World world, string cluster) => Path.Combine(world.VolumePath(cluster), ".relocate-reflinks");

    private static Task CountsOnAsync(World world, string cluster)
    {
        var before = Count(world, cluster);
        return Eventually.IsTrueAsync($"counting on {cluster}", () => Count(world, cluster) > before + 5, Limit);
    }

    private static int Count(World world, string cluster)
        => Path.Combine(world.VolumePath(cluster), "count") is var file && File.Exists(file) && int.TryParse(File.ReadLines(file).LastOrDefault(), CultureInfo.InvariantCulture, out var number) ? number : 0;
}
