using System.Text.Json;
using StatefulRelocate.Core.Tests.Reports;
using StatefulRelocate.EndToEnd.Tests.Observing;
using StatefulRelocate.EndToEnd.Tests.Programs;

namespace StatefulRelocate.EndToEnd.Tests.Demo;

/// <summary>One <c>relocate demo --json</c>, watched from outside.</summary>
internal static class DemoRun
{
    /// <summary>What a test proves of a move must not depend on how busy the machine is: the bound of the blackout has tests of its own.</summary>
    public static string[] Patient { get; } = ["--max-blackout", "60000"];

    public static Task<DemoResult> RunAsync(params string[] options) => RunAsync(new Dictionary<string, string>(), options);

    /// <summary>The same with more variables in its environment.</summary>
    public static async Task<DemoResult> RunAsync(IReadOnlyDictionary<string, string> variables, params string[] options)
    {
        using var directory = new TemporaryDirectory();
        using var observer = new MoveObserver(directory.Path, "edge-a", "edge-b", () => FenceFile(directory.Path, "edge-a"));
        var result = await RelocateProgram.RunAsync(
            ["demo", "--json", "--size", "16MiB", .. Patient, .. options], new Dictionary<string, string>(variables) { ["TMPDIR"] = directory.Path });
        var violations = observer.Finish();

        Assert.True(violations.Count == 0, $"{string.Join('\n', violations)}\n{result}");
        Assert.True(directory.Entries().Count == 0, $"left behind: {string.Join(", ", directory.Entries())}\n{result}");
        Assert.True(directory.Processes().Count == 0, $"processes left behind\n{result}");
        return DemoResult.Read(result, observer);
    }

    /// <summary>The file that holds the fence of the app on a cluster of the only demo in a directory.</summary>
    public static string? FenceFile(string directory, string cluster)
    {
        foreach (var demo in Directory.GetDirectories(directory, "relocate-demo-*"))
            if (Path.Combine(demo, "clusters", cluster, "apps", "images", "writer.json") is var file && File.Exists(file))
                return file;
        return null;
    }
}

/// <summary>The report, its schema already checked.</summary>
internal sealed record DemoResult(int ExitCode, JsonElement Report, string Text, int FencedSamples, int SuspendedSamples)
{
    public string? Outcome => Report.GetProperty("outcome").GetString();

    public string? ServedBy => Report.GetProperty("servedBy").GetString();

    public string[] AcknowledgedBy => [.. Report.GetProperty("acknowledgedBy").EnumerateArray().Select(static one => one.GetProperty("cluster").GetString()!)];

    public static DemoResult Read(ProgramResult result, MoveObserver observer)
    {
        JsonElement report;
        try
        {
            report = JsonDocument.Parse(result.Output).RootElement;
        }
        catch (JsonException)
        {
            Assert.Fail($"no document on standard output\n{result}");
            throw;
        }

        var violations = ReportSchema.Load(SchemaAnchor()).Violations(report);
        Assert.True(violations.Count == 0, $"{string.Join('\n', violations)}\n{result}");
        return new DemoResult(result.ExitCode, report, result.ToString(), observer.FencedSamples, observer.SuspendedSamples);
    }

    public void MustBe(int exitCode, string outcome, string servedBy)
    {
        Assert.True(ExitCode == exitCode && Outcome == outcome && ServedBy == servedBy, Text);
        Assert.True(Report.GetProperty("acknowledgedWritesLost").GetInt64() == 0, Text);
        Assert.True(Report.GetProperty("acknowledgedWrites").GetInt64() > 0, Text);
        string[] expected = servedBy == "edge-b" ? ["edge-a", "edge-b"] : ["edge-a"];
        Assert.True(AcknowledgedBy.SequenceEqual(expected), Text);
        if (servedBy == "edge-b")
        {
            var hash = Report.GetProperty("volumeHash");
            Assert.True(hash.GetProperty("source").GetString() is { Length: > 0 } source && source == hash.GetProperty("target").GetString(), Text);
        }
    }

    private static string SchemaAnchor([System.Runtime.CompilerServices.CallerFilePath] string here = "") => here;
}
