using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Tests.Rig;

namespace StatefulRelocate.Engines.Tests;

/// <summary>Agents die and come back while an engine works with them.</summary>
public sealed class AgentDeathTests : IAsyncDisposable
{
    private readonly EngineRig _rig = new();
    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string> Deaths =>
        ["lease", "prepare", "quiesce", "start", "dns-switch", "start:undo", "lease:undo"];

    [Theory]
    [MemberData(nameof(Deaths))]
    public async Task An_agent_that_dies_after_an_effect_and_before_its_record_comes_to_the_effect_again_and_on(string at)
    {
        var back = at.EndsWith(":undo", StringComparison.Ordinal);
        var id = back ? "back-1" : "shop-a-b-1";
        _rig.Journal.Create(Plans.Short(id));
        await using var sockets = AgentDispatcher.OverSockets(_ => _directory.File("agent.sock"));
        using var limit = new CancellationTokenSource(Poll.Limit);
        var run = new EmbeddedEngine(_rig.Journal, sockets, _rig.Options).RunUntilSettledAsync(id, limit.Token);

        var first = Child.Start(["agent", _directory.Path], ("RELOCATE_AGENT_CRASH_AT", at));
        await first.ExitsWithAsync(Child.Killed);
        using (Child.Start(["agent", _directory.Path], ("RELOCATE_AGENT_CRASH_AT", at)))
            await run;

        Assert.Equal(back ? RelocationOutcome.Compensated : RelocationOutcome.Completed, _rig.State(id).Outcome);
        var effects = await File.ReadAllLinesAsync(_directory.File("effects"), TestContext.Current.CancellationToken);
        var step = back ? $"undo {at[..^":undo".Length]}" : at;
        Assert.Equal(2, effects.Count(name => name == (step.EndsWith("prepare", StringComparison.Ordinal) ? step + "-target" : step)));
        // What ran beside it died with it.
        Assert.All(effects.CountBy(name => name), effect => Assert.InRange(effect.Value, 1, 2));
    }

    [Fact]
    public async Task A_connection_that_broke_is_made_again_and_an_agent_that_is_away_meanwhile_costs_no_attempt()
    {
        await using var sockets = AgentDispatcher.OverSockets(_ => _directory.File("agent.sock"));
        var agent = new ScriptedAgent(_directory.Path);
        var began = new TaskCompletionSource();
        agent.Deeds["quiesce"] = async (_, _) =>
        {
            began.SetResult();
            await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
            return new StepOutput();
        };
        _rig.Journal.Create(Plans.Short());
        using var limit = new CancellationTokenSource(Poll.Limit);
        var run = new EmbeddedEngine(_rig.Journal, sockets, _rig.Options).RunUntilSettledAsync("shop-a-b-1", limit.Token);
        await began.Task.Soon();

        await agent.DisposeAsync();
        await Poll.UntilAsync(() => _rig.Journal.ReadAttempts("shop-a-b-1").Any(attempt => attempt.Attempt == 2), "the engine noticed");
        await using var again = new ScriptedAgent(_directory.Path);

        await run;
        Assert.Equal(RelocationOutcome.Completed, _rig.State().Outcome);
        Assert.Equal([2], again.Effects.Where(effect => effect.Step == "quiesce").Select(effect => effect.Attempt));
    }

    public async ValueTask DisposeAsync()
    {
        await _rig.DisposeAsync();
        _directory.Dispose();
    }
}
