using System.Net;
using StatefulRelocate.EndToEnd.Tests.Programs;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.EndToEnd.Tests.Temporal;

/// <summary><c>relocate-server</c> and <c>relocate-agent</c> as processes, from their command line to their end.</summary>
public sealed class WorkerProgramTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private readonly TemporaryDirectory _directory = new();
    private readonly int _port = ServerProcess.FreePort();
    private readonly HttpClient _http = new();

    public WorkerProgramTests() => File.WriteAllText(_directory.File("config.yaml"), """
        apiVersion: relocate/v1alpha1
        kind: Config
        clusters: {edge-a: {type: local, address: 127.0.0.77}}

        """);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Dictionary<string, string> Variables => new() { ["RELOCATE_STATE"] = _directory.File("state"), ["RELOCATE_CONFIG"] = _directory.File("config.yaml"), ["TEMPORAL_ADDRESS"] = "127.0.0.1:1" };

    public void Dispose()
    {
        _http.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData("agent", "--cluster", "")]
    [InlineData("agent", "'nowhere'", "--cluster", "nowhere")]
    [InlineData("agent", "--listen 9464", "--cluster", "edge-a", "--listen", "9464")]
    [InlineData("agent", "--transfers 0", "--cluster", "edge-a", "--transfers", "0")]
    [InlineData("agent", "--drain 5", "--cluster", "edge-a", "--drain", "5")]
    [InlineData("server", "--cached-workflows none", "--cached-workflows", "none")]
    [InlineData("server", "'--nonsense'", "--nonsense")]
    [InlineData("server", "--listen", "--codec-origin", "http://127.0.0.1:8233")]
    [InlineData("server", "payload key", "--codec-origin", "http://127.0.0.1:8233", "--listen", "127.0.0.1:0")]
    [InlineData("server", "--codec-origin", "--codec-token-file", "/dev/null")]
    public async Task Bad_input_is_one_line_and_exit_code_2(string program, string expected, params string[] arguments)
    {
        using var started = RelocateProgram.Start($"relocate-{program}", arguments.Where(static each => each.Length > 0), Variables);

        var result = await started.WaitAsync(Limit);

        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Contains(expected, Assert.Single(result.Errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public async Task An_address_that_is_taken_is_told()
    {
        using var other = new System.Net.Sockets.TcpListener(IPAddress.Loopback, _port);
        other.Start();
        using var server = RelocateProgram.Start("relocate-server", ["--listen", $"127.0.0.1:{_port}"], Variables);

        var result = await server.WaitAsync(Limit);

        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Contains($"--listen 127.0.0.1:{_port}", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_waits_for_its_cluster_and_for_Temporal_says_so_once_and_works_when_both_are_there()
    {
        await using var temporal = await TemporalServer.TryStartAsync(Token);
        if (temporal is null)
            Assert.Skip(TemporalServer.Missing);
        await temporal.KillAsync();
        var variables = new Dictionary<string, string>(Variables) { ["TEMPORAL_ADDRESS"] = temporal.Address };
        using var agent = RelocateProgram.Start("relocate-agent", ["--cluster", "edge-a", "--listen", $"127.0.0.1:{_port}"], variables);

        await Eventually.IsTrueAsync("the agent lives", async () => await AskAsync("healthz") == HttpStatusCode.OK, Limit);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await AskAsync("readyz"));
        Assert.Equal(0, (await RelocateProgram.RunAsync(["cluster", "up", "edge-a"], variables)).ExitCode);
        await Eventually.IsTrueAsync("the agent misses Temporal only", async () => !(await MissingAsync()).Contains("edge-a", StringComparison.Ordinal), Limit);
        Assert.Contains(temporal.Address, await MissingAsync(), StringComparison.Ordinal);
        await temporal.StartAgainAsync(Token);
        await Eventually.IsTrueAsync("the agent is ready", async () => await AskAsync("readyz") == HttpStatusCode.OK, Limit);
        await Eventually.IsTrueAsync("the agent polls", async () =>
            (await _http.GetStringAsync(new Uri($"http://127.0.0.1:{_port}/metrics"), Token)).Contains("temporal_num_pollers{", StringComparison.Ordinal), Limit);
        Assert.Equal(0, (await RelocateProgram.RunAsync(["cluster", "down", "edge-a"], variables)).ExitCode);
        await Eventually.IsTrueAsync("the agent misses its cluster", async () => await AskAsync("readyz") == HttpStatusCode.ServiceUnavailable, Limit);
        agent.Terminate();
        var result = await agent.WaitAsync(Limit);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(1, Lines(result, "nothing listens there"));
        Assert.Equal(2, Lines(result, "cluster 'edge-a' is not up"));
        Assert.Equal(1, Lines(result, "stopped"));
    }

    [Fact]
    public async Task A_server_that_is_told_to_stop_while_Temporal_is_away_stops()
    {
        using var server = RelocateProgram.Start("relocate-server", ["--listen", $"127.0.0.1:{_port}"], Variables);
        await Eventually.IsTrueAsync("the server lives", async () => await AskAsync("healthz") == HttpStatusCode.OK, Limit);

        server.Terminate();
        var result = await server.WaitAsync(Limit);

        Assert.True(result.ExitCode == 0, result.ToString());
    }

    private static int Lines(ProgramResult result, string words) => result.Errors.Split('\n').Count(line => line.Contains(words, StringComparison.Ordinal));

    private async Task<string> MissingAsync()
    {
        using var answer = await _http.GetAsync(new Uri($"http://127.0.0.1:{_port}/readyz"), Token);
        return await answer.Content.ReadAsStringAsync(Token);
    }

    private async Task<HttpStatusCode?> AskAsync(string path)
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri($"http://127.0.0.1:{_port}/{path}"), Token);
            return answer.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
