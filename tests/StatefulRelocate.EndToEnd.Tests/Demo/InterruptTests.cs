using System.Text.Json;
using StatefulRelocate.EndToEnd.Tests.Kills;
using StatefulRelocate.EndToEnd.Tests.Programs;

namespace StatefulRelocate.EndToEnd.Tests.Demo;

/// <summary>Ctrl-C once and twice, while the relocation waits at its gate.</summary>
public sealed class InterruptTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_first_aborts_with_compensation_and_cleans_up()
    {
        using var demo = await StartAsync();

        demo.Interrupt();
        var result = await demo.WaitAsync(Limit);

        Assert.True(result.ExitCode == 4, result.ToString());
        using var report = JsonDocument.Parse(result.Output);
        Assert.Equal("aborted", report.RootElement.GetProperty("outcome").GetString());
        Assert.Equal("edge-a", report.RootElement.GetProperty("servedBy").GetString());
        Assert.Equal(0, report.RootElement.GetProperty("acknowledgedWritesLost").GetInt64());
        Assert.Empty(_directory.Entries());
        Assert.Empty(_directory.Processes());
    }

    [Fact]
    public async Task The_second_leaves_and_says_how_to_finish()
    {
        using var demo = await StartAsync();
        var state = Directory.GetDirectories(_directory.Path, "relocate-demo-*").Single();

        demo.Interrupt();
        await Task.Delay(20, TestContext.Current.CancellationToken);
        demo.Interrupt();
        var result = await demo.WaitAsync(Limit);

        // The abort may have been through before the second one came.
        if (result.ExitCode == 4)
            return;
        Assert.True(result.ExitCode == 130, result.ToString());
        Assert.Contains("resume", result.Errors, StringComparison.Ordinal);
        Assert.Contains(state, result.Errors, StringComparison.Ordinal);
        string[] where = ["--state", state, "--config", Path.Combine(state, "config.yaml")];
        await RelocateProgram.RunAsync(["abort", .. where]);
        var resumed = await RelocateProgram.RunAsync(["resume", .. where]);
        var list = await RelocateProgram.RunAsync(["list", .. where]);
        // The engine may have come to the end of the undoing before it was left.
        Assert.True(resumed.ExitCode == 4 || resumed.Errors.Contains("no relocation is open", StringComparison.Ordinal), resumed.ToString());
        Assert.Contains("aborted", list.Output, StringComparison.OrdinalIgnoreCase);
        var ended = await RelocateProgram.RunAsync(["demo", "end", "--state", state]);
        Assert.True(ended.ExitCode == 0, ended.ToString());
        Assert.Empty(_directory.Processes());
    }

    private async Task<RunningProgram> StartAsync()
    {
        var demo = RelocateProgram.Start(["demo", "--json", "--size", "16MiB", "--approval", .. DemoRun.Patient], new Dictionary<string, string> { ["TMPDIR"] = _directory.Path });
        await Eventually.IsTrueAsync("the gate", async () =>
        {
            if (demo.HasExited)
                Assert.Fail($"the demo ended: {await demo.WaitAsync(Limit)}");
            return Directory.GetDirectories(_directory.Path, "relocate-demo-*") is [var state] && JournalWatch.Started(state, "snapshot-1")
                && (await RelocateProgram.RunAsync(["status", "--state", state])).Output.Contains("waits for approval", StringComparison.Ordinal);
        }, Limit);
        return demo;
    }
}
