using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.EndToEnd.Tests.Demo;

/// <summary>Every kind of step of the demo's plan fails once.</summary>
public sealed class FailureSweepTests
{
    private static readonly string[] AfterThePointOfNoReturn = [StepKind.DnsSwitch, StepKind.DnsVerify, StepKind.Retire, StepKind.ReleaseLease];

    [Theory]
    [MemberData(nameof(SweptKinds.All), MemberType = typeof(SweptKinds))]
    public async Task A_failure_at(string kind)
    {
        var demo = await DemoRun.RunAsync("--fail-at", kind);

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
    public async Task A_crash_of_the_engine_at(string kind)
    {
        var demo = await DemoRun.RunAsync("--crash-at", kind);

        demo.MustBe(0, "completed", "edge-b");
        var crash = Assert.Single(demo.Report.GetProperty("crashes").EnumerateArray());
        Assert.True(crash.GetProperty("resumedPid").GetInt32() != crash.GetProperty("killedPid").GetInt32(), demo.Text);
        Assert.StartsWith(kind, crash.GetProperty("step").GetString(), StringComparison.Ordinal);
    }
}

/// <summary>The kinds of the demo's plan.</summary>
public static class SweptKinds
{
    /// <summary>All but the gate, which the demo does not ask for.</summary>
    public static TheoryData<string> All => [.. StepKind.All.Where(static kind => kind != StepKind.Gate)];
}
