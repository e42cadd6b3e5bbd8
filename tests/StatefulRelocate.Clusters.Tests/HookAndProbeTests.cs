using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using StatefulRelocate.Clusters.Local;
using StatefulRelocate.Clusters.Local.Processes;
using StatefulRelocate.Core.Apps;

namespace StatefulRelocate.Clusters.Tests;

public sealed class HookAndProbeTests
{
    [Fact]
    public async Task A_hook_runs_as_the_app_does()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell("exec sleep 1000"));

        Assert.Null(await test.Cluster.RunHookAsync(TestCluster.App, Hook("echo \"$RELOCATE_CLUSTER\" > \"$RELOCATE_VOLUME_DATA/hook\""), CancellationToken.None));

        Assert.Equal("edge-a", File.ReadAllText(Path.Combine(test.Volume, "hook")).Trim());
    }

    [Fact]
    public async Task A_hook_that_takes_too_long_is_killed_with_its_whole_tree()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell("exec sleep 1000"));
        var slow = Hook("cd \"$RELOCATE_VOLUME_DATA\"; setsid sh -c 'echo $$ > deep; exec sleep 1000' & sleep 1000") with { Timeout = TimeSpan.FromMilliseconds(500) };

        var failed = await Assert.ThrowsAsync<ClusterException>(() => test.Cluster.RunHookAsync(TestCluster.App, slow, CancellationToken.None));

        Assert.Equal("hook-failed", failed.Code);
        Assert.Contains("was killed after 0.5 s", failed.Message, StringComparison.Ordinal);
        if (File.Exists(Path.Combine(test.Volume, "deep")))
            Assert.True(ProcessTable.Find(int.Parse(File.ReadAllText(Path.Combine(test.Volume, "deep")), CultureInfo.InvariantCulture)) is null or { IsGone: true });
        Assert.Single((await test.FindAsync()).ProcessIds);
    }

    [Fact]
    public async Task A_hook_ends_with_the_attempt_that_ran_it()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell("exec sleep 1000"));
        var pid = Path.Combine(test.Volume, "pid");
        using var attempt = new CancellationTokenSource();

        var running = test.Cluster.RunHookAsync(TestCluster.App, Hook("echo $$ > \"$RELOCATE_VOLUME_DATA/pid.new\"; mv \"$RELOCATE_VOLUME_DATA/pid.new\" \"$RELOCATE_VOLUME_DATA/pid\"; exec sleep 1000"), attempt.Token);
        while (!File.Exists(pid) && !running.IsCompleted)
            await Task.Yield();
        await attempt.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.True(ProcessTable.Find(int.Parse(File.ReadAllText(pid), CultureInfo.InvariantCulture)) is null or { IsGone: true });
    }

    [Fact]
    public async Task A_failing_hook_is_an_error_or_a_warning_as_declared()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell("exec sleep 1000"));

        var failed = await Assert.ThrowsAsync<ClusterException>(() => test.Cluster.RunHookAsync(TestCluster.App, Hook("echo why >&2; exit 4"), CancellationToken.None));
        Assert.Contains("exited with 4", failed.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("why", failed.Message, StringComparison.Ordinal);
        Assert.Contains("why", File.ReadAllText(new AppLayout(test.Cluster.AppDirectory(TestCluster.App)).ExecLog), StringComparison.Ordinal);
        var warning = await test.Cluster.RunHookAsync(TestCluster.App, Hook("exit 5") with { OnError = HookErrorPolicy.Ignore }, CancellationToken.None);
        Assert.Contains("exited with 5", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_app_is_ready_when_its_http_probe_answers_well()
    {
        await using var test = await TestCluster.StartAsync();
        var port = FreePort();
        var app = Server(port, delay: 200) with { Readiness = new ReadinessProbe { Http = new HttpProbe(port, "/ready"), Timeout = TestCluster.Patience } };
        await test.RunAsync(app);

        await test.Cluster.WaitReadyAsync(TestCluster.App, CancellationToken.None);
    }

    [Fact]
    public async Task An_app_that_never_gets_ready_says_what_was_seen_last()
    {
        await using var test = await TestCluster.StartAsync();
        var port = FreePort();
        await test.RunAsync(TestCluster.Shell("exit 7") with { Readiness = new ReadinessProbe { Tcp = new TcpProbe(port), Timeout = TimeSpan.FromMilliseconds(300) } });

        var failed = await Assert.ThrowsAsync<ClusterException>(() => test.Cluster.WaitReadyAsync(TestCluster.App, CancellationToken.None));

        Assert.Equal("not-ready", failed.Code);
        Assert.Contains($"127.0.0.1:{port}: Connection refused", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exec_probe_is_ready_when_it_exits_with_zero()
    {
        await using var test = await TestCluster.StartAsync();
        var probe = new ReadinessProbe { Exec = new ExecCommand(["test", "-e", "${volumes.data}/there"]), Timeout = TestCluster.Patience };
        await test.RunAsync(TestCluster.Shell("sleep 0.1; touch there; exec sleep 1000") with { Readiness = probe });

        await test.Cluster.WaitReadyAsync(TestCluster.App, CancellationToken.None);

        Assert.True(File.Exists(Path.Combine(test.Volume, "there")));
    }

    [Fact]
    public async Task An_install_refuses_what_could_not_start_in_one_line()
    {
        await using var test = await TestCluster.StartAsync();
        var good = TestCluster.Shell("sleep 1");
        var process = good.Processes[0];
        using var busy = new TcpListener(IPAddress.Loopback, 0);
        busy.Start();
        var port = ((IPEndPoint)busy.LocalEndpoint).Port;

        await RefusedAsync("program-missing", good with { Processes = [process with { Command = ["/no/such/program"] }] });
        await RefusedAsync("program-missing", good with { Processes = [process with { Command = ["no-such-program"] }] });
        await RefusedAsync("unknown-variable", good with { Processes = [process with { Command = ["sh", "${volumes.date}"] }] });
        await RefusedAsync("unknown-variable", good with { Processes = [process with { Environment = ImmutableSortedDictionary<string, string>.Empty.Add("A", "${B") }] });
        await RefusedAsync("user-missing", good with { Processes = [process with { User = "no-such-user" }] });
        await RefusedAsync("bad-signal", good with { Processes = [process with { Stop = new StopPolicy { Signal = "TERMINATE" } }] });
        await RefusedAsync("bad-name", good with { Name = "../up" });
        await RefusedAsync("port-in-use", good with { Readiness = new ReadinessProbe { Tcp = new TcpProbe(port) } });
        if (!Environment.IsPrivilegedProcess)
            await RefusedAsync("needs-root", good with { Processes = [process with { User = "nobody" }] });
        Assert.Empty(test.Cluster.Apps);

        async Task RefusedAsync(string code, AppDefinition app)
        {
            var refused = await Assert.ThrowsAsync<ClusterException>(() => test.Cluster.InstallAsync(app, CancellationToken.None));
            Assert.Equal(code, refused.Code);
            Assert.False(refused.Retryable);
            Assert.DoesNotContain('\n', refused.Message);
        }
    }

    private static AppHook Hook(string script) => new() { Exec = new ExecCommand(["sh", "-c", script.Replace("${", "$${", StringComparison.Ordinal)]) };

    private static AppDefinition Server(int port, int delay) => new()
    {
        Name = TestCluster.App,
        Processes = [new AppProcess { Name = "web", Command = [TestCluster.Self, "serve", "${address}", port.ToString(CultureInfo.InvariantCulture), delay.ToString(CultureInfo.InvariantCulture)] }],
    };

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
