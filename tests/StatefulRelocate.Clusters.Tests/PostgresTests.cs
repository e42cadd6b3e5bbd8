using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using StatefulRelocate.Clusters.Local;
using StatefulRelocate.Clusters.Local.Processes;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Clusters.Tests;

/// <summary>A program that nobody wrote for this: its backends leave the group and the session, and change the environment that marks them.</summary>
public sealed class PostgresTests
{
    [Theory]
    [InlineData(FreezerKind.Signals)]
    [InlineData(FreezerKind.Any)]
    public async Task Every_backend_of_a_real_database_is_suspended_and_its_connections_go_on(FreezerKind kind)
    {
        var programs = FindPrograms();
        if (programs is null)
            Assert.Skip("no postgres with initdb and psql was found on PATH, by pg_config or below /usr/lib/postgresql");
        await using var test = await TestCluster.StartAsync(kind);
        var port = FreePort().ToString(CultureInfo.InvariantCulture);
        var user = Environment.IsPrivilegedProcess ? "nobody" : null;
        var app = new AppDefinition
        {
            Name = TestCluster.App,
            Volumes = [new AppVolume("data")],
            Processes =
            [
                new AppProcess
                {
                    Name = "db",
                    User = user,
                    WorkingDirectory = "/",
                    Command =
                    [
                        "sh", "-c",
                        $"d=\"$RELOCATE_VOLUME_DATA/pg\"; [ -e \"$d/PG_VERSION\" ] || {programs}/initdb -D \"$d\" -U app -A trust -N >/dev/null; exec {programs}/postgres -D \"$d\" -p {port} -h \"$RELOCATE_ADDRESS\" -k ''",
                    ],
                    Stop = new StopPolicy { Signal = "INT", Grace = TimeSpan.FromSeconds(20) },
                },
            ],
            Readiness = new ReadinessProbe { Exec = new ExecCommand([$"{programs}/psql", "-h", "${address}", "-p", port, "-U", "app", "-c", "select 1", "postgres"], user), Timeout = TimeSpan.FromSeconds(60) },
        };
        await test.RunAsync(app);
        await test.Cluster.WaitReadyAsync(TestCluster.App, CancellationToken.None);
        using var client = Process.Start(new ProcessStartInfo($"{programs}/psql", ["-h", "127.0.0.1", "-p", port, "-U", "app", "-qAt", "postgres"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await AskAsync(client, "create table t(n int); insert into t select generate_series(1, 1000); select count(*) from t;", "1000");
        var ids = (await test.FindAsync()).ProcessIds;
        Assert.True(ids.Length >= 6, $"{ids.Length} processes");

        await test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Freeze, CancellationToken.None);
        var proof = await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None);
        Assert.True(proof.Silent, string.Join("; ", proof.Reasons));
        Assert.True(proof.Suspended.Length >= 6);
        if (DurableFile.Read(test.Layout.KeeperRecord, ClustersJson.Default.KeeperRecord)!.Cgroup is null)
            Assert.All(proof.Suspended, id => Assert.All(ProcessTable.ThreadStates(id), state => Assert.Equal('T', state)));

        await test.Cluster.UnquiesceAsync(TestCluster.App, CancellationToken.None);
        await AskAsync(client, "insert into t values (1001); select max(n) from t;", "1001");

        await test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Stop, CancellationToken.None);
        Assert.True((await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None)).Silent);
        Assert.Contains("database system is shut down", test.Log("db"), StringComparison.Ordinal);
        client.Kill();
        await client.WaitForExitAsync(CancellationToken.None);
    }

    private static async Task AskAsync(Process client, string statement, string answer)
    {
        await client.StandardInput.WriteLineAsync(statement);
        await client.StandardInput.FlushAsync();
        Assert.Equal(answer, await client.StandardOutput.ReadLineAsync().WaitAsync(TestCluster.Patience, TestContext.Current.CancellationToken));
    }

    private static string? FindPrograms()
    {
        var candidates = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => new FileInfo(Path.Combine(directory, "postgres")))
            .Where(file => file.Exists)
            .Select(file => (file.ResolveLinkTarget(returnFinalTarget: true) ?? file).FullName)
            .Concat(Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(directory => Path.Combine(directory, "bin", "postgres")) : [])
            .Select(Path.GetDirectoryName);
        return candidates.FirstOrDefault(directory => new[] { "postgres", "initdb", "psql" }.All(program => File.Exists(Path.Combine(directory!, program))));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
