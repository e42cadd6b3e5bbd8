using StatefulRelocate.Core.Plans;
using StatefulRelocate.EndToEnd.Tests.Programs;

namespace StatefulRelocate.EndToEnd.Tests.Demo;

/// <summary>Every kind of step of the demo's plan fails once.</summary>
public sealed class FailureSweepTests
{
    private static readonly string[] AfterThePointOfNoReturn = [StepKind.DnsSwitch, StepKind.DnsVerify, StepKind.Retire, StepKind.ReleaseLease];

    [Theory]
    [MemberData(nameof(SweptKinds.All), MemberType = typeof(SweptKinds))]
    public async Task A_failure_at(string kind, string quiesce)
    {
        var demo = await DemoRun.RunAsync("--fail-at", kind, "--quiesce", quiesce);

        if (AfterThePointOfNoReturn.Contains(kind))
            demo.MustBe(0, "completed", "edge-b");
        else
            demo.MustBe(4, "compensated", "edge-a");
        var injected = demo.Report.GetProperty("steps").EnumerateArray().Where(static step => step.GetProperty("injected").GetBoolean()).ToList();
        Assert.True(injected.Count == 1 && injected[0].GetProperty("kind").GetString() == kind, demo.Text);
    }

    [Theory]
    [InlineData("fence")]
    [InlineData("start")]
    [InlineData("ready")]
    public async Task A_failure_while_the_app_is_frozen_thaws_it(string kind)
    {
        var demo = await DemoRun.RunAsync("--quiesce", "freeze", "--fail-at", kind);

        demo.MustBe(4, "compensated", "edge-a");
    }
}

/// <summary>The engine dies once at every kind of step.</summary>
public sealed class CrashSweepTests
{
    [Theory]
    [MemberData(nameof(SweptKinds.All), MemberType = typeof(SweptKinds))]
    public async Task A_crash_of_the_engine_at(string kind, string quiesce)
    {
        var demo = await DemoRun.RunAsync("--crash-at", kind, "--quiesce", quiesce);

        demo.MustBe(0, "completed", "edge-b");
        var crash = Assert.Single(demo.Report.GetProperty("crashes").EnumerateArray());
        Assert.True(crash.GetProperty("resumedPid").GetInt32() != crash.GetProperty("killedPid").GetInt32(), demo.Text);
        Assert.StartsWith(kind, crash.GetProperty("step").GetString(), StringComparison.Ordinal);
    }
}

/// <summary>The kinds of the demo's plan.</summary>
public static class SweptKinds
{
    /// <summary>All but the gate, which the demo does not ask for; by stop, and in the long campaign by freeze too.</summary>
    public static TheoryData<string, string> All
    {
        get
        {
            var all = new TheoryData<string, string>();
            foreach (var quiesce in RelocateProgram.Long ? (string[])["stop", "freeze"] : ["stop"])
                foreach (var kind in StepKind.All.Where(static kind => kind != StepKind.Gate))
                    all.Add(kind, quiesce);
            return all;
        }
    }
}
