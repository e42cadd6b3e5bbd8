using System.Text.Json;
using StatefulRelocate.EndToEnd.Tests.Demo;
using StatefulRelocate.EndToEnd.Tests.Programs;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.EndToEnd.Tests.Temporal;

/// <summary>The demo with <c>--engine temporal</c>: nothing that a user sees differs.</summary>
[Collection(TemporalCollection.Name)]
public sealed class TemporalDemoTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("stop")]
    [InlineData("freeze")]
    public async Task The_demo_moves_the_app_without_losing_a_write(string quiesce)
    {
        var demo = await DemoRun.RunAsync(WithProgram(), "--engine", "temporal", "--quiesce", quiesce);

        demo.MustBe(0, "completed", "edge-b");
        Assert.True(demo.Report.GetProperty("downtimeMs").GetDouble() > 0, demo.Text);
        Assert.True(demo.FencedSamples > 0, $"the observer never saw the fence\n{demo.Text}");
        TestContext.Current.SendDiagnosticMessage("downtime on Temporal, {0}: {1} ms", quiesce, demo.Report.GetProperty("downtimeMs").GetDouble());
    }

    [Theory]
    [InlineData("snapshot")]
    [InlineData("ready")]
    public async Task A_failure_at_a_step_undoes_everything(string kind)
    {
        var demo = await DemoRun.RunAsync(WithProgram(), "--engine", "temporal", "--fail-at", kind);

        demo.MustBe(4, "compensated", "edge-a");
    }

    [Fact]
    public async Task It_uses_the_server_that_is_named_and_leaves_it_alone()
    {
        await using var server = await TemporalServer.TryStartAsync(Token);
        if (server is null)
            Assert.Skip(TemporalServer.Missing);

        var demo = await DemoRun.RunAsync(server.Variables, "--engine", "temporal");

        demo.MustBe(0, "completed", "edge-b");
        var client = await server.ConnectAsync();
        Assert.Equal(1, (await client.CountWorkflowsAsync("WorkflowType = 'Relocation'")).Count);
    }

    [Fact]
    public async Task Ctrl_C_undoes_everything_and_leaves_no_process_behind()
    {
        await using var server = await TemporalServer.TryStartAsync(Token);
        if (server is null)
            Assert.Skip(TemporalServer.Missing);
        using var directory = new TemporaryDirectory();
        var variables = new Dictionary<string, string>(server.Variables) { ["TMPDIR"] = directory.Path };
        using var demo = RelocateProgram.Start(["demo", "--json", "--size", "16MiB", "--approval", "--engine", "temporal", .. DemoRun.Patient], variables);
        await Eventually.IsTrueAsync("the gate", async () =>
            demo.HasExited || (await RelocateProgram.RunAsync(["list", "--engine", "temporal"], variables)).Output.Contains("waits for approval", StringComparison.Ordinal), Limit);

        demo.Interrupt();
        var result = await demo.WaitAsync(Limit);

        Assert.True(result.ExitCode == 4, result.ToString());
        using var report = JsonDocument.Parse(result.Output);
        Assert.True(report.RootElement.GetProperty("outcome").GetString() == "aborted", result.ToString());
        Assert.Equal("edge-a", report.RootElement.GetProperty("servedBy").GetString());
        Assert.Equal(0, report.RootElement.GetProperty("acknowledgedWritesLost").GetInt64());
        Assert.Empty(directory.Entries());
        Assert.Empty(directory.Processes());
    }

    [Fact]
    public async Task Without_a_server_and_its_program_it_says_how_to_get_one_and_touches_nothing()
    {
        using var directory = new TemporaryDirectory();

        var result = await RelocateProgram.RunAsync(
            ["demo", "--engine", "temporal"], new Dictionary<string, string> { ["TMPDIR"] = directory.Path, ["TEMPORAL_CLI"] = "", ["PATH"] = directory.Path });

        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Contains("TEMPORAL_ADDRESS", Assert.Single(result.Errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.Empty(result.Output);
        Assert.Empty(directory.Entries());
    }

    [Fact]
    public async Task Killing_the_engine_at_a_step_is_refused_in_one_line()
    {
        var result = await RelocateProgram.RunAsync(["demo", "--engine", "temporal", "--crash-at", "fence"]);

        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Contains("relocate-server", Assert.Single(result.Errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }

    private static Dictionary<string, string> WithProgram()
    {
        Assert.SkipWhen(TestPrograms.Temporal is null, TemporalServer.Missing);
        return new Dictionary<string, string> { ["TEMPORAL_CLI"] = TestPrograms.Temporal! };
    }
}
