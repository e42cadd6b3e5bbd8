using System.Collections.Immutable;
using StatefulRelocate.Clusters.Local.Processes;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Clusters.Tests;

public sealed class SupervisionTests
{
    [Fact]
    public async Task Processes_get_their_place_in_the_environment()
    {
        await using var test = await TestCluster.StartAsync();
        var app = TestCluster.Shell("echo \"$RELOCATE_CLUSTER $RELOCATE_ADDRESS $RELOCATE_VOLUME_DATA $EXTRA $${RELOCATE_PASSPHRASE-none}\" > seen; pwd > where; exec sleep 1000");
        app = app with { Processes = [app.Processes[0] with { Environment = ImmutableSortedDictionary<string, string>.Empty.Add("EXTRA", "at ${address} $${x}") }] };
        Environment.SetEnvironmentVariable("RELOCATE_PASSPHRASE", "secret");
        await test.RunAsync(app);

        await test.UntilWrittenAsync("where");
        Assert.Equal($"edge-a 127.0.0.1 {test.Volume} at 127.0.0.1 ${{x}} none", File.ReadAllText(Path.Combine(test.Volume, "seen")).Trim());
        Assert.Equal(test.Volume, File.ReadAllText(Path.Combine(test.Volume, "where")).Trim());
        Assert.Equal(AppRunState.Running, (await test.FindAsync()).State);
    }

    [Fact]
    public async Task A_process_that_ends_is_started_again_ever_more_slowly()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell("date +%s%N >> starts; exit 3"));

        await test.UntilWrittenAsync("starts", 5);
        var starts = File.ReadAllLines(Path.Combine(test.Volume, "starts")).Select(line => long.Parse(line, System.Globalization.CultureInfo.InvariantCulture) / 1e6).ToList();
        Assert.True(starts[4] - starts[3] >= 2 * 60, $"{starts[4] - starts[3]} ms after the fourth");
        Assert.Contains("exited with 3", test.KeeperLog, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fence_stops_restarts_and_starts_and_only_its_end_lets_it_run_again()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell("echo x >> starts; exec sleep 1000"));
        await test.UntilWrittenAsync("starts");
        test.Cluster.WriteWriterState(TestCluster.App, new AppWriterState { Fenced = true });

        ProcessTable.Signal(ProcessTable.Find((await test.FindAsync()).ProcessIds[0])!.Value.Id, 9);
        await TestCluster.UntilAsync(() => test.KeeperLog.Contains("a fence stands", StringComparison.Ordinal), "the keeper sees the fence");
        var refused = await Assert.ThrowsAsync<ClusterException>(() => test.Cluster.StartAsync(TestCluster.App, CancellationToken.None));
        Assert.Equal("may-not-run", refused.Code);
        await test.RestartAsync();
        Assert.Equal(1, test.Lines("starts"));
        Assert.Empty((await test.FindAsync()).ProcessIds);

        test.Cluster.WriteWriterState(TestCluster.App, new AppWriterState());
        await test.Cluster.StartAsync(TestCluster.App, CancellationToken.None);
        await test.UntilWrittenAsync("starts", 2);
    }

    [Fact]
    public async Task An_app_whose_writer_is_another_cluster_never_starts()
    {
        await using var test = await TestCluster.StartAsync();
        await test.Cluster.InstallAsync(TestCluster.Shell("echo x >> starts; sleep 1000"), CancellationToken.None);
        test.Cluster.WriteWriterState(TestCluster.App, new AppWriterState { Record = new WriterRecord { App = TestCluster.App, Epoch = 1, Writer = "edge-b", ChangeId = "1" } });

        var refused = await Assert.ThrowsAsync<ClusterException>(() => test.Cluster.StartAsync(TestCluster.App, CancellationToken.None));

        Assert.Contains("the writer is edge-b", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, test.Lines("starts"));
    }

    [Fact]
    public async Task A_stop_goes_in_reverse_order_by_signal_and_kills_what_ignores_it()
    {
        await using var test = await TestCluster.StartAsync();
        var app = TestCluster.Shell(
            "trap 'echo first >> order; exit 0' TERM; echo up >> up; while :; do sleep 0.01; done",
            "trap 'echo second >> order; exit 0' INT; echo up >> up; while :; do sleep 0.01; done",
            "trap '' TERM INT; echo up >> up; while :; do sleep 0.01; done");
        app = app with
        {
            Processes = [app.Processes[0], app.Processes[1] with { Stop = new StopPolicy { Signal = "INT" } }, app.Processes[2] with { Stop = new StopPolicy { Grace = TimeSpan.FromMilliseconds(50) } }],
        };
        await test.RunAsync(app);
        await test.UntilWrittenAsync("up", 3);

        await test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Stop, CancellationToken.None);

        Assert.Equal(["second", "first"], File.ReadAllLines(Path.Combine(test.Volume, "order")));
        Assert.True((await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None)).Silent);
    }

    [Fact]
    public async Task A_stop_leaves_no_descendant_however_it_hides()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell(
            "i=0; while [ $i -lt 20 ]; do setsid sh -c 'trap \"\" TERM; (setsid sleep 1000 &) ; echo up >> up; exec sleep 1000' & i=$((i+1)); done; wait"));
        await test.UntilWrittenAsync("up", 20);
        var app = await test.FindAsync();
        Assert.True(app.ProcessIds.Length > 20);

        await test.Cluster.KillAsync(TestCluster.App, CancellationToken.None);

        Assert.All(app.ProcessIds, id => Assert.True(ProcessTable.Find(id) is null or { IsGone: true }));
        Assert.True((await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None)).Silent);
    }

    [Fact]
    public async Task Children_that_a_stopped_process_left_get_their_grace_too()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell("sh -c 'trap \"sleep 0.1; echo flushed > flushed; exit\" TERM; echo up > up; while :; do sleep 0.01; done' & wait"));
        await test.UntilWrittenAsync("up");

        await test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Stop, CancellationToken.None);

        Assert.Equal(1, test.Lines("flushed"));
    }

    [Fact]
    public async Task A_daemon_is_kept_and_not_started_twice()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell("echo x >> starts; (setsid sh -c 'echo $$ > daemon; exec sleep 1000' &); exit 0"));
        await test.UntilWrittenAsync("daemon");
        var daemon = int.Parse(File.ReadAllText(Path.Combine(test.Volume, "daemon")), System.Globalization.CultureInfo.InvariantCulture);
        await TestCluster.UntilAsync(() => ProcessTable.Find(daemon)!.Value.Parent == test.KeeperId, "the keeper adopted the daemon");
        Assert.Equal(1, test.Lines("starts"));

        ProcessTable.Signal(ProcessTable.Find(daemon)!.Value.Id, 9);

        await test.UntilWrittenAsync("starts", 2);
    }

    [Fact]
    public async Task Adopted_zombies_are_reaped()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell("i=0; while [ $i -lt 30 ]; do (setsid sleep 0.01 &); i=$((i+1)); done; echo done > done; exec sleep 1000"));
        await test.UntilWrittenAsync("done");

        await TestCluster.UntilAsync(() => ProcessTable.Read().Entries.Count(entry => entry.Parent == test.KeeperId) == 1, "one child is left, and no zombie");
    }

    [Fact]
    public async Task Logs_are_kept_within_bounds()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell("i=0; while [ $i -lt 200 ]; do printf '%01000d\\n' $i; i=$((i+1)); done; sleep 0.3; echo last; exec sleep 1000"));

        await TestCluster.UntilAsync(() => File.Exists(Path.Combine(test.Layout.Logs, "p0.log.1")) && test.Log("p0").Contains("last", StringComparison.Ordinal), "the log was moved");
        Assert.True(new FileInfo(Path.Combine(test.Layout.Logs, "p0.log")).Length <= 64 * 1024);
    }

    [Fact]
    public async Task An_app_can_be_removed_only_when_it_is_stopped_and_its_volumes_stay()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell("echo x > kept; exec sleep 1000"));
        await test.UntilWrittenAsync("kept");
        await Assert.ThrowsAsync<ClusterException>(() => test.Cluster.RemoveAsync(TestCluster.App, deleteVolumes: true, CancellationToken.None));

        await test.Cluster.KillAsync(TestCluster.App, CancellationToken.None);
        await test.Cluster.RemoveAsync(TestCluster.App, deleteVolumes: false, CancellationToken.None);

        Assert.Empty(test.Cluster.Apps);
        Assert.Equal(1, test.Lines("kept"));
        Assert.False(Directory.Exists(test.Layout.KeeperDirectory));
    }
}
