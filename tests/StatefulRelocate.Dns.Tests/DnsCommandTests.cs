namespace StatefulRelocate.Dns.Tests;

public sealed class DnsCommandTests : IAsyncLifetime
{
    private readonly string directory = RunningServer.NewDirectory();
    private readonly System.Net.IPEndPoint endpoint = RunningServer.FreeEndpoint();

    public async ValueTask InitializeAsync() => await RelocateProgram.WriteConfigAsync(Path.Combine(directory, "config.yaml"), endpoint);

    public async ValueTask DisposeAsync()
    {
        await Dns("state", "down");
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task A_server_runs_in_the_background_until_it_is_taken_down()
    {
        // Its output pipe ends with "up", so the server kept none of it.
        Assert.Equal((0, $"DNS server 'local' is up on {endpoint}"), await Dns("state", "up"));
        Assert.Equal((0, $"DNS server 'local' is already up on {endpoint}"), await Dns("state", "up"));
        Assert.Equal((0, "images.edge.test. 1 IN A 127.0.0.11"), await Dns("state", "set", "edge.test", "images", "A", "1", "127.0.0.11"));
        Assert.Equal((0, "images.edge.test. 1 IN A 127.0.0.11"), await Dns("state", "get", "edge.test", "images.edge.test", "A"));
        var (absent, why) = await Dns("state", "get", "edge.test", "nobody", "A");
        Assert.Equal(3, absent);
        Assert.Contains("has no A record of nobody", why, StringComparison.Ordinal);
        Assert.Equal(0, (await Dns("state", "status")).ExitCode);
        Assert.Equal((0, "DNS server 'local' is down"), await Dns("state", "down"));
        Assert.Equal((0, "DNS server 'local' was not running"), await Dns("state", "down"));
        Assert.Equal((3, "local: down"), await Dns("state", "status"));
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_and_exit_code_2()
    {
        await Dns("state", "up");

        var (exitCode, said) = await Dns("other-state", "up");

        Assert.Equal(2, exitCode);
        Assert.Equal($"relocate: DNS server: cannot listen on {endpoint}: the port is in use; stop what has it or choose another in the configuration", said);
    }

    [Fact]
    public async Task A_record_set_in_a_server_that_is_down_is_bad_input()
    {
        var (exitCode, said) = await Dns("state", "set", "edge.test", "images", "A", "1", "127.0.0.11");

        Assert.Equal(2, exitCode);
        Assert.Contains("not running", said, StringComparison.Ordinal);
    }

    private Task<(int ExitCode, string Said)> Dns(string state, params string[] arguments)
        => RelocateProgram.RunAsync(["dns", .. arguments, "--config", Path.Combine(directory, "config.yaml"), "--state", Path.Combine(directory, state)]);
}
