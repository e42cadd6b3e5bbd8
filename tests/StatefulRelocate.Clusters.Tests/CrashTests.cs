using System.Diagnostics;
using StatefulRelocate.Clusters.Local;
using StatefulRelocate.Clusters.Local.Processes;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Clusters.Tests;

public sealed class CrashTests
{
    private const string Counted = "echo $$ >> starts; while :; do echo x >> ticks; sleep 0.002; done";

    [Fact]
    public async Task An_app_outlives_the_killed_process_of_its_cluster_and_is_found_again()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell(Counted));
        await test.UntilWrittenAsync("ticks");
        var before = (await test.FindAsync()).ProcessIds;
        var keeper = test.KeeperId;
        await test.Cluster.DisposeAsync();

        for (var i = 0; i < 3; i++)
        {
            File.Delete(Path.Combine(test.State, "up"));
            using var cluster = Process.Start(new ProcessStartInfo(TestCluster.Self, ["cluster", test.State, "Signals"]))!;
            if (i > 0)
                await TestCluster.UntilAsync(() => File.Exists(Path.Combine(test.State, "up")), "the cluster is up");
            cluster.Kill();
            await cluster.WaitForExitAsync(CancellationToken.None);
        }

        await test.RestartAsync();
        Assert.Equal(keeper, test.KeeperId);
        Assert.Equal(before[0], (await test.FindAsync()).ProcessIds[0]);
        Assert.Equal(1, test.Lines("starts"));
        await test.UntilWrittenAsync("ticks", test.Lines("ticks") + 5);
    }

    [Fact]
    public async Task After_its_keeper_was_killed_an_app_runs_once_again_and_never_twice()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell(Counted));
        for (var round = 1; round <= 3; round++)
        {
            await test.UntilWrittenAsync("starts", round);
            await test.KillKeeperAsync();
        }

        await test.UntilWrittenAsync("starts", 4);
        var alive = File.ReadAllLines(Path.Combine(test.Volume, "starts"))
            .Count(line => ProcessTable.Find(int.Parse(line, System.Globalization.CultureInfo.InvariantCulture)) is { IsGone: false, Name: "sh" });
        Assert.Equal(1, alive);
    }

    [Fact]
    public async Task When_cluster_and_keeper_are_killed_a_stopped_app_stays_stopped()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell(Counted));
        await test.UntilWrittenAsync("starts");
        await test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Stop, CancellationToken.None);
        await test.Cluster.DisposeAsync();
        await test.KillKeeperAsync();

        await test.RestartAsync();

        Assert.Equal(AppRunState.Stopped, (await test.FindAsync()).State);
        Assert.Equal(1, test.Lines("starts"));
    }

    [Fact]
    public async Task When_cluster_and_keeper_are_killed_under_a_fence_survivors_are_seen_by_the_proof()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell(Counted));
        await test.UntilWrittenAsync("starts");
        await test.Cluster.DisposeAsync();
        test.Cluster.WriteWriterState(TestCluster.App, new AppWriterState { Fenced = true });
        await test.KillKeeperAsync();
        await test.RestartAsync();

        var proof = await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None);
        Assert.False(proof.Silent);
        await test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Stop, CancellationToken.None);
        proof = await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None);
        Assert.True(proof.Silent, string.Join("; ", proof.Reasons));
        Assert.Equal(1, test.Lines("starts"));
    }

    [Fact]
    public async Task Two_keepers_of_one_app_are_impossible()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell(Counted));
        await test.UntilWrittenAsync("starts");
        var keeper = test.KeeperId;

        using var second = Process.Start(new ProcessStartInfo(TestCluster.Self, ["keeper", "--app-directory", test.Layout.Directory]))!;
        await second.WaitForExitAsync(CancellationToken.None);

        Assert.Equal(0, second.ExitCode);
        Assert.Equal(keeper, test.KeeperId);
        Assert.Equal(AppRunState.Running, (await test.FindAsync()).State);
    }

    [Fact]
    public async Task A_record_of_another_boot_names_nobody()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell(Counted));
        await test.UntilWrittenAsync("starts");
        await test.Cluster.ShutDownAsync(CancellationToken.None);
        await test.Cluster.DisposeAsync();
        var self = ProcessTable.Find(Environment.ProcessId)!.Value.Id;
        DurableFile.Write(test.Layout.KeeperRecord, new KeeperRecord(self.Number, self.StartTime, "another-boot", null, 0), ClustersJson.Default.KeeperRecord);
        DurableFile.Write(test.Layout.Processes, new StartedProcesses("another-boot", [new StartedProcess("p0", self.Number, self.StartTime)]), ClustersJson.Default.StartedProcesses);

        await test.RestartAsync();

        await test.UntilWrittenAsync("starts", 2);
        Assert.NotEqual(self.Number, test.KeeperId);
    }

    [Fact]
    public async Task A_number_that_was_given_to_another_process_is_left_alone()
    {
        using var bystander = Process.Start("sleep", "1000");
        var id = ProcessTable.Find(bystander.Id)!.Value.Id;

        Assert.False(ProcessTable.Signal(id with { StartTime = id.StartTime - 1 }, 9));
        Assert.True(ProcessTable.IsAlive(id));

        bystander.Kill();
        await bystander.WaitForExitAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Two_processes_cannot_run_one_cluster()
    {
        await using var test = await TestCluster.StartAsync();
        await using var second = new LocalCluster(TestCluster.Options(test.State, FreezerKind.Signals));

        var refused = await Assert.ThrowsAsync<ClusterException>(() => second.StartAsync(CancellationToken.None));

        Assert.Equal("cluster-in-use", refused.Code);
    }

    [Fact]
    public async Task A_state_directory_may_have_a_path_longer_than_a_socket_name()
    {
        await using var test = await TestCluster.StartAsync(name: new string('x', 150));
        await test.RunAsync(TestCluster.Shell(Counted));

        await test.UntilWrittenAsync("starts");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(test.Layout.KeeperDirectory, AppLayout.SocketName)));
    }

    [Fact]
    public async Task A_shut_down_stops_all_and_the_next_start_brings_back_what_ran()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell(Counted));
        await test.UntilWrittenAsync("starts");

        await test.Cluster.ShutDownAsync(CancellationToken.None);
        Assert.True((await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None)).Silent);
        await test.RestartAsync();

        await test.UntilWrittenAsync("starts", 2);
    }
}
