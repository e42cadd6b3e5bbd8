using System.Text.Json;
using StatefulRelocate.EndToEnd.Tests.Programs;

namespace StatefulRelocate.EndToEnd.Tests.Demo;

public sealed class DemoTests
{
    [Theory]
    [InlineData("stop")]
    [InlineData("freeze")]
    public async Task The_demo_moves_the_app_without_losing_a_write(string quiesce)
    {
        var demo = await DemoRun.RunAsync("--quiesce", quiesce);

        demo.MustBe(0, "completed", "edge-b");
        Assert.True(demo.Report.GetProperty("downtimeMs").GetDouble() > 0, demo.Text);
        Assert.True(demo.Report.GetProperty("blackout").GetArrayLength() > 5, demo.Text);
        Assert.True(demo.FencedSamples > 0, $"the observer never saw the fence\n{demo.Text}");
        if (quiesce == "freeze")
            Assert.True(demo.SuspendedSamples > 0, $"the observer never saw the app suspended\n{demo.Text}");
    }

    [Theory]
    [InlineData("--size", "much")]
    [InlineData("--size", "0")]
    [InlineData("--write-rate", "0")]
    [InlineData("--write-rate", "x")]
    [InlineData("--quiesce", "pause")]
    [InlineData("--fail-at", "snapshoot")]
    [InlineData("--crash-at", "fence:during")]
    [InlineData("--no-such-option")]
    public async Task A_wrong_option_is_one_line_and_touches_nothing(params string[] options)
    {
        using var directory = new TemporaryDirectory();

        var result = await RelocateProgram.RunAsync(["demo", .. options], new Dictionary<string, string> { ["TMPDIR"] = directory.Path });

        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Single(result.Errors.TrimEnd('\n').Split('\n'));
        Assert.Contains(options[^1].Split(':')[0], result.Errors, StringComparison.Ordinal);
        Assert.Empty(result.Output);
        Assert.Empty(directory.Entries());
    }

    [Fact]
    public async Task A_failure_that_is_never_reached_fails_the_demo()
    {
        var demo = await DemoRun.RunAsync("--fail-at", "snapshot-9");

        Assert.True(demo.ExitCode == 1, demo.Text);
    }

    [Fact]
    public async Task A_kept_demo_goes_on_serving_until_it_is_ended()
    {
        using var directory = new TemporaryDirectory();
        var environment = new Dictionary<string, string> { ["TMPDIR"] = directory.Path };

        var result = await RelocateProgram.RunAsync(["demo", "--json", "--keep", "--size", "16MiB", .. DemoRun.Patient], environment);
        Assert.True(result.ExitCode == 0, result.ToString());
        using var report = JsonDocument.Parse(result.Output);
        var kept = report.RootElement.GetProperty("kept");
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri(kept.GetProperty("urls")[0].GetString()!), TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode);
        Assert.All(kept.GetProperty("clientLogs").EnumerateArray(), static log => Assert.True(File.Exists(log.GetString())));
        Assert.NotEmpty(directory.Processes());

        var end = kept.GetProperty("end").GetString()!;
        var state = end[(end.IndexOf("--state ", StringComparison.Ordinal) + "--state ".Length)..].Trim();
        var ended = await RelocateProgram.RunAsync(["demo", "end", "--state", state], environment);

        Assert.True(ended.ExitCode == 0, ended.ToString());
        Assert.Empty(directory.Processes());
        Assert.Empty(directory.Entries());
    }
}
