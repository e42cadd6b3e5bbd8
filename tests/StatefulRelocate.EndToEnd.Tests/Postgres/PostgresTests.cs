using System.Net;
using Npgsql;
using StatefulRelocate.EndToEnd.Tests.Observing;
using StatefulRelocate.EndToEnd.Tests.Programs;

namespace StatefulRelocate.EndToEnd.Tests.Postgres;

/// <summary>A real database server moves while a writer keeps inserting.</summary>
public sealed class PostgresTests
{
    public const int Port = 5432;

    [Theory]
    [InlineData("stop")]
    [InlineData("freeze")]
    public async Task Every_acknowledged_commit_is_there_exactly_once_after_the_move(string quiesce)
    {
        if (PostgresPrograms.Find() is not { } programs)
        {
            Assert.Skip("no PostgreSQL server on PATH or in /usr/lib/postgresql/*/bin (apt-get install postgresql)");
            return;
        }

        await using var world = await World.CreateAsync(
            AppFile(programs), $"{{quiesce: {quiesce}, maxDowntime: 2s, maxBlackout: 60s, onNoConvergence: cutover-anyway}}", programs.InitializeAsync);
        await Eventually.IsTrueAsync("the database answering on edge-a", () => AnswersAsync(world.SourceAddress), TimeSpan.FromMinutes(2));
        using var observer = new MoveObserver(world.Directory, "edge-a", "edge-b", () => world.FenceFile("edge-a"));
        await using var writer = await RowWriter.StartAsync(world.SourceAddress, world.TargetAddress);
        await Eventually.IsTrueAsync("a hundred commits on edge-a", () => writer.Acknowledged >= 100, TimeSpan.FromMinutes(2));

        var result = await world.RunAsync("run", "-f", world.RelocationFile, "--json");

        Assert.True(result.ExitCode == 0, result.ToString());
        var before = writer.Acknowledged;
        await Eventually.IsTrueAsync("commits on edge-b", () => writer.Acknowledged >= before + 50 && Equals(writer.LastServer, world.TargetAddress), TimeSpan.FromMinutes(2));
        var (acknowledged, unclear) = await writer.StopAsync();
        var violations = observer.Finish();
        Assert.True(violations.Count == 0, $"{string.Join('\n', violations)}\n{result}");
        Assert.True(observer.FencedSamples > 0, $"the observer never saw the fence\n{result}");
        if (quiesce == "freeze")
            Assert.True(observer.SuspendedSamples > 0 && observer.MostSourceProcesses > 3, $"the observer never saw all backends suspended ({observer.MostSourceProcesses} processes at most)\n{result}");

        await MustHoldAsync(world.TargetAddress, acknowledged, unclear);
        await MustBeSoundAsync(programs, world.TargetAddress);
    }

    /// <summary>
    /// A frozen server leaves its lock file in the volume, and its process id lives on here: both clusters are one machine. That only one
    /// server starts is what the writer record is for, so the lock file goes.
    /// </summary>
    private static string AppFile(PostgresPrograms programs) => $$"""
        volumes: [{name: data}]
        processes:
          - name: postgres
            {{(PostgresPrograms.User is { } user ? $"user: {user}" : "env: {}")}}
            command: ["/bin/sh", "-c", "rm -f postmaster.pid; exec \"$0\" \"$@\"", "{{programs.Server}}", "-D", "${volumes.data}", "-h", "${address}", "-p", "{{Port}}", "-k", ""]
            workingDirectory: "${volumes.data}"
            stop: {signal: INT, grace: 10s}
        readiness: {tcp: {port: {{Port}}}, period: 10ms, timeout: 60s}
        """;

    private static async Task<bool> AnswersAsync(IPAddress server)
    {
        try
        {
            await using var connection = new NpgsqlConnection(RowWriter.ConnectionString(server));
            await connection.OpenAsync();
            return true;
        }
        catch (Exception error) when (error is NpgsqlException or TimeoutException)
        {
            return false;
        }
    }

    private static async Task MustHoldAsync(IPAddress server, IReadOnlyList<long> acknowledged, IReadOnlyList<long> unclear)
    {
        await using var connection = new NpgsqlConnection(RowWriter.ConnectionString(server));
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        // Without indexes: every row is read from the table itself.
        await using var select = new NpgsqlCommand("set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off; select id, length(filler) from numbers", connection);
        await using var reader = await select.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var found = new Dictionary<long, int>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            Assert.Equal(500, reader.GetInt32(1));
            found[reader.GetInt64(0)] = found.GetValueOrDefault(reader.GetInt64(0)) + 1;
        }

        Assert.DoesNotContain(acknowledged, number => found.GetValueOrDefault(number) != 1);
        Assert.Empty(found.Keys.Except(acknowledged).Except(unclear));
        Assert.All(found.Values, static times => Assert.Equal(1, times));
    }

    private static async Task MustBeSoundAsync(PostgresPrograms programs, IPAddress server)
    {
        if (programs.Checker is { } checker)
            await PostgresPrograms.RunAsync(null, checker, "--install-missing", "--heapallindexed", "-h", server.ToString(), "-p", $"{Port}", "-U", "tester", "postgres");
    }
}
