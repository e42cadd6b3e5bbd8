using System.Diagnostics;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Dns.Control;

namespace StatefulRelocate.Dns.Tests;

public sealed class DurabilityTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Zones_survive_a_restart_with_their_serial()
    {
        var directory = RunningServer.NewDirectory();
        DnsZoneStatus before;
        var first = RunningServer.Start(directory: directory);
        await first.Set(RunningServer.A("127.0.0.11"));
        await first.Set(RunningServer.A("127.0.0.12"));
        before = Assert.Single(await first.Control.ListAsync(Cancel));
        await first.Server.DisposeAsync();

        await using var second = RunningServer.Start(directory: directory);

        var after = Assert.Single(await second.Control.ListAsync(Cancel));
        Assert.Equal(before.Serial, after.Serial);
        Assert.Equal(before.RecordSets.AsEnumerable(), after.RecordSets);
    }

    [Fact]
    public async Task The_control_socket_is_for_its_owner_alone_and_goes_with_the_server()
    {
        var server = RunningServer.Start();
        var socket = Path.Combine(server.Directory, "dns.sock");

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(socket));
        await server.DisposeAsync();
        Assert.False(File.Exists(socket));
    }

    [Fact]
    public async Task A_second_server_on_the_same_port_or_directory_is_bad_input()
    {
        await using var server = RunningServer.Start();
        var other = RunningServer.NewDirectory();

        var port = Assert.Throws<RelocateException>(() => EmbeddedDnsServer.Start(Options(other, server.Endpoint)));
        var state = Assert.Throws<RelocateException>(() => EmbeddedDnsServer.Start(Options(server.Directory, RunningServer.FreeEndpoint())));

        Assert.Equal(ExitCode.BadInput, port.ExitCode);
        Assert.Contains("in use", port.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.BadInput, state.ExitCode);
        Directory.Delete(other, recursive: true);
    }

    [Fact]
    public void A_damaged_zone_file_is_said_to_be_damaged_and_left_alone()
    {
        var directory = RunningServer.NewDirectory();
        File.WriteAllText(Path.Combine(directory, "zones.json"), "{\"version\":1,");

        var error = Assert.Throws<RelocateException>(() => EmbeddedDnsServer.Start(Options(directory, RunningServer.FreeEndpoint())));

        Assert.Equal(ExitCode.Damage, error.ExitCode);
        Assert.Equal("{\"version\":1,", File.ReadAllText(Path.Combine(directory, "zones.json")));
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task Every_answered_change_is_there_after_kill_minus_nine()
    {
        var directory = RunningServer.NewDirectory();
        var endpoint = RunningServer.FreeEndpoint();
        var config = Path.Combine(directory, "config.yaml");
        await RelocateProgram.WriteConfigAsync(config, endpoint);
        var socket = Path.Combine(directory, "state", "dns", "local", "dns.sock");
        var control = new DnsControlClient(socket, TimeProvider.System);
        var answered = 0;
        for (var round = 0; round < 3; round++)
        {
            using var process = StartServer(config, Path.Combine(directory, "state"));
            await Until(async () => await control.IsUpAsync(Cancel) || process.HasExited);
            Assert.False(process.HasExited, "the server ended");
            if (answered > 0)
            {
                var found = int.Parse((await new EmbeddedDnsDriver(socket, endpoint, TimeProvider.System).CaptureAsync("edge.test", "count.edge.test", "TXT", Cancel)).Records[0].Trim('"'), System.Globalization.CultureInfo.InvariantCulture);
                // The one change that was sent and not answered may be there or not.
                Assert.InRange(found, answered, answered + 1);
                answered = found;
            }

            var enough = answered + 25;
            var writing = Task.Run(async () =>
            {
                try
                {
                    while (true)
                    {
                        await control.SetAsync("edge.test", RunningServer.Records("count.edge.test", "TXT", 1, $"{answered + 1}"), Cancel);
                        Interlocked.Increment(ref answered);
                    }
                }
                catch (DnsException)
                {
                    // Killed.
                }
            }, Cancel);
            await Until(() => Task.FromResult(Volatile.Read(ref answered) >= enough));
            process.Kill();
            await writing;
            await process.WaitForExitAsync(Cancel);
        }

        Directory.Delete(directory, recursive: true);
    }

    private static EmbeddedDnsOptions Options(string directory, System.Net.IPEndPoint endpoint)
        => new() { Listen = endpoint, Zones = ["edge.test"], StateDirectory = directory };

    private static Process StartServer(string config, string state)
        => RelocateProgram.Start("dns", "serve", "local", "--config", config, "--state", state);

    private static async Task Until(Func<Task<bool>> condition)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(60), "the condition did not come true");
            await Task.Delay(10, Cancel);
        }
    }
}
