using System.Text.Json;
using StatefulRelocate.EndToEnd.Tests.Demo;
using StatefulRelocate.EndToEnd.Tests.Observing;
using StatefulRelocate.EndToEnd.Tests.Programs;

namespace StatefulRelocate.EndToEnd.Tests.Kills;

/// <summary>The engine dies inside the blackout and nobody starts another: the agents bring the app back by themselves.</summary>
[Collection(AloneCollection.Name)]
public sealed class EngineGoneTests
{
    private static readonly TimeSpan MaxBlackout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Bound = MaxBlackout + TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData("fence", "stop")]
    [InlineData("fence", "freeze")]
    [InlineData("start", "stop")]
    public async Task The_source_serves_again_within_the_bound_and_a_later_resume_ends_it(string step, string quiesce)
    {
        // A bound of time on a machine that others use as well: once out of a few times is proof.
        var took = TimeSpan.MaxValue;
        for (var attempt = 1; attempt <= 3 && took >= Bound; attempt++)
            took = await LoseEngineAsync(step, quiesce);

        Assert.True(took < Bound, $"the source served again after {took.TotalMilliseconds:0} ms only");
    }

    private static async Task<TimeSpan> LoseEngineAsync(string step, string quiesce)
    {
        using var directory = new TemporaryDirectory();
        using var observer = new MoveObserver(directory.Path, "edge-a", "edge-b", () => DemoRun.FenceFile(directory.Path, "edge-a"));
        var environment = new Dictionary<string, string> { ["TMPDIR"] = directory.Path };
        // The engine kills itself after the step's effect; the demo is frozen before, so that it cannot start another.
        using var demo = RelocateProgram.Start(
            ["demo", "--json", "--size", "16MiB", "--quiesce", quiesce, "--max-blackout", $"{(int)MaxBlackout.TotalMilliseconds}", "--crash-at", step], environment);
        var state = await Eventually.SeesAsync("the demo's directory", () => Task.FromResult(Directory.GetDirectories(directory.Path, "relocate-demo-*").FirstOrDefault()), TimeSpan.FromMinutes(2));
        await Eventually.IsTrueAsync("the snapshot", () => JournalWatch.Started(state, "snapshot-1"), TimeSpan.FromMinutes(2));
        demo.Kill();
        var began = await Eventually.SeesAsync("quiesce", () => Task.FromResult(JournalWatch.StartedAt(state, "quiesce")), TimeSpan.FromMinutes(2));
        await Eventually.IsTrueAsync($"the dispatch of {step}", () => JournalWatch.Started(state, step), TimeSpan.FromSeconds(30));

        // By the clocks of the journal and of the client's log, so that a slow look of this test costs nothing.
        var gap = await Eventually.SeesAsync("acknowledged writes of the source after the blackout", () => Task.FromResult(FirstAfterSilence(state, began.At)), TimeSpan.FromMinutes(2));
        Assert.Equal(0, CountOf(state, "edge-b"));

        var resumed = await RelocateProgram.RunAsync(["resume", "--state", state, "--config", Path.Combine(state, "config.yaml")], environment);

        Assert.True(resumed.ExitCode == 4, resumed.ToString());
        Assert.Equal(0, CountOf(state, "edge-b"));
        Assert.Empty(observer.Finish());
        var ended = await RelocateProgram.RunAsync(["demo", "end", "--state", state], environment);
        Assert.True(ended.ExitCode == 0, ended.ToString());
        return gap.At - began.At;
    }

    /// <summary>The first write that the source acknowledged after at least a second without any.</summary>
    private static Instant? FirstAfterSilence(string state, DateTimeOffset began)
    {
        var last = began;
        foreach (var at in Acknowledgements(state).Where(static entry => entry.Cluster == "edge-a").Select(static entry => entry.At).Order())
        {
            if (at - last > TimeSpan.FromSeconds(1))
                return new Instant(at);
            last = at > last ? at : last;
        }

        return null;
    }

    private static int CountOf(string state, string cluster) => Acknowledgements(state).Count(entry => entry.Cluster == cluster);

    private static List<(string Cluster, DateTimeOffset At)> Acknowledgements(string state)
    {
        var found = new List<(string, DateTimeOffset)>();
        foreach (var log in Directory.GetFiles(state, "client-*.jsonl", SearchOption.AllDirectories))
        {
            using var stream = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream);
            foreach (var line in reader.ReadToEnd().Split('\n'))
            {
                if (!line.StartsWith('{') || !line.EndsWith('}'))
                    continue;
                using var entry = JsonDocument.Parse(line);
                if (entry.RootElement.GetProperty("event").GetString() == "acknowledged")
                    found.Add((entry.RootElement.GetProperty("cluster").GetString()!, entry.RootElement.GetProperty("at").GetDateTimeOffset()));
            }
        }

        return found;
    }
}

/// <summary>Tests that measure a bound of time run after all others, one by one.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
