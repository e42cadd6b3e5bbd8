using System.Diagnostics;
using StatefulRelocate.Clusters.Local;
using StatefulRelocate.Clusters.Local.Processes;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Clusters.Tests;

public sealed class FreezeTests
{
    private const string Writers = "i=0; while [ $i -lt 8 ]; do setsid sh -c 'while :; do echo x >> ticks; sleep 0.002; done' & i=$((i+1)); done; while :; do (sleep 0.001 &); sleep 0.001; done";

    [Theory]
    [InlineData(FreezerKind.Signals)]
    [InlineData(FreezerKind.CgroupV1)]
    [InlineData(FreezerKind.CgroupV2)]
    public async Task A_freeze_suspends_every_descendant_and_a_thaw_wakes_them(FreezerKind kind)
    {
        await using var test = await TestCluster.StartAsync(kind);
        await test.RunAsync(TestCluster.Shell(Writers));
        test.RequireCgroup(kind);
        await test.UntilWrittenAsync("ticks", 50);
        Assert.False((await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None)).Silent);

        await test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Freeze, CancellationToken.None);
        var before = test.Lines("ticks");
        var proof = await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None);
        Assert.True(proof.Silent, string.Join("; ", proof.Reasons));
        Assert.True(proof.Suspended.Length >= 9);
        Assert.Equal(AppRunState.Frozen, (await test.FindAsync()).State);
        Assert.Equal(before, test.Lines("ticks"));

        await test.RestartAsync();
        Assert.Equal(AppRunState.Frozen, (await test.FindAsync()).State);
        Assert.Equal(before, test.Lines("ticks"));

        await test.Cluster.UnquiesceAsync(TestCluster.App, CancellationToken.None);
        await test.UntilWrittenAsync("ticks", before + 50);
        Assert.Equal(AppRunState.Running, (await test.FindAsync()).State);
    }

    [Theory]
    [InlineData(FreezerKind.Signals)]
    [InlineData(FreezerKind.CgroupV1)]
    [InlineData(FreezerKind.CgroupV2)]
    public async Task A_frozen_app_can_be_killed(FreezerKind kind)
    {
        await using var test = await TestCluster.StartAsync(kind);
        await test.RunAsync(TestCluster.Shell(Writers));
        test.RequireCgroup(kind);
        await test.UntilWrittenAsync("ticks", 10);
        await test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Freeze, CancellationToken.None);
        var lines = test.Lines("ticks");

        await test.Cluster.KillAsync(TestCluster.App, CancellationToken.None);

        var proof = await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None);
        Assert.True(proof.Silent);
        Assert.Empty(proof.Suspended);
        Assert.Equal(lines, test.Lines("ticks"));
    }

    [Theory]
    [InlineData(FreezerKind.Signals)]
    [InlineData(FreezerKind.CgroupV1)]
    [InlineData(FreezerKind.CgroupV2)]
    public async Task An_app_stays_frozen_when_its_keeper_is_killed(FreezerKind kind)
    {
        await using var test = await TestCluster.StartAsync(kind);
        await test.RunAsync(TestCluster.Shell(Writers));
        test.RequireCgroup(kind);
        await test.UntilWrittenAsync("ticks", 10);
        await test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Freeze, CancellationToken.None);
        var lines = test.Lines("ticks");
        var old = test.KeeperId;

        await test.KillKeeperAsync();
        await TestCluster.UntilAsync(() => test.KeeperId != old && File.Exists(test.Layout.KeeperRecord), "another keeper came");

        await TestCluster.UntilAsync(async () => (await test.FindAsync()).State == AppRunState.Frozen, "it is found frozen");
        Assert.True((await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None)).Silent);
        Assert.Equal(lines, test.Lines("ticks"));
        await test.Cluster.UnquiesceAsync(TestCluster.App, CancellationToken.None);
        await test.UntilWrittenAsync("ticks", lines + 10);
        Assert.Equal(1, (await test.FindAsync()).ProcessIds.Count(id => ProcessTable.Find(id) is { } entry && entry.Parent == test.KeeperId && entry.Name == "sh" && File.ReadAllText($"/proc/{id}/cmdline").Contains("i=0", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_process_that_ends_while_frozen_is_started_again_after_the_thaw_only()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell("echo $$ >> starts; exec sleep 1000"));
        await test.UntilWrittenAsync("starts");
        await test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Freeze, CancellationToken.None);

        ProcessTable.Signal(ProcessTable.Find(int.Parse(File.ReadAllText(Path.Combine(test.Volume, "starts")), System.Globalization.CultureInfo.InvariantCulture))!.Value.Id, 9);
        await TestCluster.UntilAsync(() => test.KeeperLog.Contains("the app is frozen", StringComparison.Ordinal), "the keeper saw the end");
        Assert.Equal(1, test.Lines("starts"));

        await test.Cluster.UnquiesceAsync(TestCluster.App, CancellationToken.None);
        await test.UntilWrittenAsync("starts", 2);
    }

    [Fact]
    public async Task A_fence_forbids_the_thaw()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell("while :; do echo x >> ticks; sleep 0.002; done"));
        await test.UntilWrittenAsync("ticks");
        await test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Freeze, CancellationToken.None);
        test.Cluster.WriteWriterState(TestCluster.App, new AppWriterState { Fenced = true });

        await Assert.ThrowsAsync<ClusterException>(() => test.Cluster.UnquiesceAsync(TestCluster.App, CancellationToken.None));

        Assert.Equal(AppRunState.Frozen, (await test.FindAsync()).State);
    }

    [Theory]
    [InlineData(FreezerKind.Signals)]
    [InlineData(FreezerKind.Any)]
    public async Task What_a_move_adds_to_the_blackout_is_measured(FreezerKind kind)
    {
        await using var test = await TestCluster.StartAsync(kind);
        await test.Cluster.InstallAsync(TestCluster.Shell("echo x >> starts; exec sleep 1000"), CancellationToken.None);
        var times = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            times.Add(await TimeAsync("start", () => test.Cluster.StartAsync(TestCluster.App, CancellationToken.None)));
            await test.UntilWrittenAsync("starts", i + 1);
            times.Add(await TimeAsync("freeze", () => test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Freeze, CancellationToken.None)));
            times.Add(await TimeAsync("prove", () => test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None)));
            times.Add(await TimeAsync("prove", () => test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None)));
            times.Add(await TimeAsync("thaw", () => test.Cluster.UnquiesceAsync(TestCluster.App, CancellationToken.None)));
            times.Add(await TimeAsync("stop", () => test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Stop, CancellationToken.None)));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{kind}: {string.Join(", ", times)}");
        Console.WriteLine($"{kind}: {string.Join(", ", times)}");
    }

    private static async Task<string> TimeAsync(string what, Func<Task> action)
    {
        var watch = Stopwatch.StartNew();
        using var self = Process.GetCurrentProcess();
        var before = self.TotalProcessorTime;
        await action();
        var elapsed = watch.Elapsed;
        self.Refresh();
        return $"{what} {elapsed.TotalMilliseconds:0.0} ms ({(self.TotalProcessorTime - before).TotalMilliseconds:0} ms of processor here)";
    }
}
