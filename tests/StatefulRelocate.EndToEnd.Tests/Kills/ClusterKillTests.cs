using System.Text.Json;
using StatefulRelocate.EndToEnd.Tests.Demo;
using StatefulRelocate.EndToEnd.Tests.Observing;
using StatefulRelocate.EndToEnd.Tests.Programs;

namespace StatefulRelocate.EndToEnd.Tests.Kills;

/// <summary>
/// A cluster's process dies at every effect it has in a relocation: after the effect, before its record. Somebody starts it again, as an
/// operator or an init system would; the end is legal each time.
/// </summary>
public sealed class ClusterKillTests
{
    /// <summary>Step, cluster, and the failure that brings it about where it is an undo.</summary>
    public static TheoryData<string, string, string?> Effects()
    {
        var effects = new TheoryData<string, string, string?>();
        string[] source = ["preflight-source", "lease", "prepare-source", "snapshot-1", "roll-call-source", "quiesce", "fence", "final-snapshot", "retire", "release-lease"];
        string[] target = ["preflight-target", "prepare-target", "restore-1", "roll-call-target", "final-restore", "verify", "start", "ready", "dns-switch", "dns-verify"];
        foreach (var step in source)
            effects.Add(step, "edge-a", null);
        foreach (var step in target)
            effects.Add(step, "edge-b", null);
        foreach (var step in (string[])["fence", "quiesce", "prepare-source", "lease"])
            effects.Add($"{step}:undo", "edge-a", "ready");
        foreach (var step in (string[])["start", "prepare-target"])
            effects.Add($"{step}:undo", "edge-b", "ready");
        return effects;
    }

    [Theory]
    [MemberData(nameof(Effects))]
    public async Task A_cluster_that_dies_after_an_effect_and_before_its_record_comes_back_to_a_legal_end(string step, string cluster, string? failAt)
    {
        using var directory = new TemporaryDirectory();
        using var observer = new MoveObserver(directory.Path, "edge-a", "edge-b", () => DemoRun.FenceFile(directory.Path, "edge-a"));
        var environment = new Dictionary<string, string> { ["TMPDIR"] = directory.Path, ["RELOCATE_AGENT_CRASH_AT"] = step };
        List<string> options = ["demo", "--json", "--size", "16MiB", .. DemoRun.Patient];
        if (failAt is not null)
            options.AddRange(["--fail-at", failAt]);

        using var demo = RelocateProgram.Start(options, environment);
        var killed = await RestartWhenKilledAsync(demo, directory.Path, cluster, environment);
        var result = await demo.WaitAsync(TimeSpan.FromMinutes(4));
        var violations = observer.Finish();

        Assert.True(killed, $"the cluster's process never died at {step}\n{result}");
        Assert.True(violations.Count == 0, $"{string.Join('\n', violations)}\n{result}");
        var read = DemoResult.Read(result, observer);
        if (failAt is null && read.Outcome == "completed")
            read.MustBe(0, "completed", "edge-b");
        else
            read.MustBe(4, "compensated", "edge-a");
    }

    private static async Task<bool> RestartWhenKilledAsync(RunningProgram demo, string directory, string cluster, Dictionary<string, string> environment)
    {
        int? seen = null;
        while (!demo.HasExited)
        {
            if (Directory.GetDirectories(directory, "relocate-demo-*").FirstOrDefault() is { } state)
            {
                seen ??= ProcessOf(state, cluster);
                if (seen is { } id && !Directory.Exists($"/proc/{id}") && File.Exists(Path.Combine(state, "config.yaml")))
                {
                    var up = await RelocateProgram.RunAsync(["cluster", "up", cluster, "--state", state, "--config", Path.Combine(state, "config.yaml")], environment);
                    Assert.True(up.ExitCode == 0, up.ToString());
                    return true;
                }
            }

            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        return false;
    }

    private static int? ProcessOf(string state, string cluster)
    {
        try
        {
            using var record = JsonDocument.Parse(File.ReadAllText(Path.Combine(state, "clusters", cluster, "process.json")));
            return record.RootElement.GetProperty("pid").GetInt32();
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            return null;
        }
    }
}
