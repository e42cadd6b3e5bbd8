using System.Collections.Concurrent;
using StatefulRelocate.Activities;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Tests.Rig;

namespace StatefulRelocate.Engines.Tests;

/// <summary>Engine processes die by SIGKILL at every moment; others go on. The agents, on real sockets, live through it.</summary>
public sealed class KillTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ConcurrentQueue<ActivityRequest> _effects = [];
    private readonly List<ScriptedAgent> _agents = [];

    private string Agents => _directory.File("agents");

    public ValueTask InitializeAsync()
    {
        foreach (var cluster in new[] { "a", "b" })
            _agents.Add(new ScriptedAgent(Path.Combine(Agents, cluster), _effects));
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Killed_at_any_moment_a_relocation_is_completed_by_the_next_engine_with_each_effect_once_and_in_order()
    {
        foreach (var id in await SweepAsync(RelocationOutcome.Completed))
        {
            var effects = EffectsOf(id);
            Assert.Equal(9, effects.Count);
            AssertInOrder(id, effects);
        }
    }

    [Fact]
    public async Task Killed_at_any_moment_a_relocation_is_undone_by_the_next_engine_and_nothing_acts_after_its_undo()
    {
        _agents[1].Deeds["start"] = (_, _) => throw new ActivityException("broken", "the disk is full", retryable: false);

        // Up to the start that fails it is the way forward, which is swept above.
        foreach (var id in await SweepAsync(RelocationOutcome.Compensated, from: 8))
        {
            var effects = EffectsOf(id);
            Assert.Equal(["undo lease", "undo prepare-target", "undo quiesce", "undo start"], effects.Where(name => name.StartsWith("undo", StringComparison.Ordinal)).Order());
            Assert.Equal("undo lease", effects[^1]);
            Assert.True(effects.IndexOf("undo start") < effects.IndexOf("undo quiesce"));
            Assert.DoesNotContain("dns-switch", effects);
            AssertInOrder(id, effects);
        }
    }

    [Fact]
    public async Task Killed_at_any_moment_what_runs_while_all_is_undone_is_ended_too()
    {
        var snapshots = 0;
        _agents[0].Deeds["snapshot-1"] = async (_, token) =>
        {
            Interlocked.Increment(ref snapshots);
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                Interlocked.Decrement(ref snapshots);
            }

            return new StepOutput();
        };
        _agents[1].Deeds["restore-1"] = (_, _) => throw new ActivityException("broken", "the disk is full", retryable: false);

        foreach (var id in await SweepAsync(RelocationOutcome.Compensated))
        {
            var effects = EffectsOf(id);
            Assert.Equal(["undo prepare-target", "undo lease"], effects.Where(name => name.StartsWith("undo", StringComparison.Ordinal)));
            Assert.True(effects.LastIndexOf("snapshot-1") < effects.IndexOf("undo lease"), string.Join(", ", effects));
            Assert.DoesNotContain("quiesce", effects);
        }

        Assert.Equal(0, snapshots);
    }

    [Fact]
    public async Task A_second_engine_follows_the_first_and_takes_its_place_when_it_is_killed()
    {
        var end = new TaskCompletionSource();
        _agents[0].Deeds["quiesce"] = async (_, token) =>
        {
            await end.Task.WaitAsync(token);
            return new StepOutput();
        };
        var journal = Create("move");
        using var first = Child.Start("engine", Agents, "0", journal);
        await Poll.UntilAsync(() => EffectsOf("move").Contains("quiesce"), "the first engine is at quiesce");
        Assert.Equal(first.Id, EngineLock.LastHolder(journal + ".lock"));

        using var second = Child.Start("engine", Agents, "0", journal);
        await Poll.UntilAsync(() => File.Exists($"{journal}.followed-by-{second.Id}"), "the second engine follows");
        Assert.Single(EffectsOf("move"), name => name == "quiesce");

        first.Kill();
        await Poll.UntilAsync(() => EffectsOf("move").Count(name => name == "quiesce") == 2, "the second engine asks for the quiesce again, which ends the first attempt of it");
        Assert.Equal(second.Id, EngineLock.LastHolder(journal + ".lock"));
        end.SetResult();

        await second.ExitsWithAsync(0);
        using var opened = RelocationJournal.Open(journal);
        Assert.Equal(RelocationOutcome.Completed, StateOf(opened, "move").Outcome);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var agent in _agents)
            await agent.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>One relocation for each moment, killed at it; then one new process for all that was left behind.</summary>
    private async Task<IReadOnlyList<string>> SweepAsync(RelocationOutcome outcome, int from = 1)
    {
        var journals = new List<string>();
        var killed = true;
        while (killed)
        {
            var moment = from + journals.Count;
            var journal = Create($"move-{moment}");
            journals.Add(journal);
            killed = await Child.Start("engine", Agents, $"{moment}", journal).ExitsAsync() == Child.Killed;
        }

        Assert.InRange(from + journals.Count, 10, 40);
        await Child.Start(["engine", Agents, "0", .. journals]).ExitsWithAsync(0);
        var ids = new List<string>();
        foreach (var path in journals)
        {
            using var journal = RelocationJournal.Open(path);
            var relocation = Assert.Single(journal.List());
            var state = StateOf(journal, relocation.Id);
            Assert.True(state.Outcome == outcome, $"{relocation.Id}: {state.Outcome}, {state.OutcomeReason}");
            ids.Add(relocation.Id);
        }

        return ids;
    }

    private string Create(string id)
    {
        var path = _directory.File($"{id}/relocations.db");
        using var journal = RelocationJournal.Open(path);
        journal.Create(Plans.Short(id));
        return path;
    }

    private List<string> EffectsOf(string id) => [.. _effects.Where(effect => effect.RelocationId == id).Names()];

    private static SagaState StateOf(RelocationJournal journal, string id) =>
        journal.Read(id).Aggregate(SagaMachine.Start(journal.Find(id)!.Plan), (state, journaled) => SagaMachine.Evolve(state, journaled.Event));

    private static void AssertInOrder(string id, List<string> effects)
    {
        var story = $"{id}: {string.Join(", ", effects)}";
        // Each once: the agents lived, so a second engine was answered from their record. A start that fails is asked for as often as it takes.
        Assert.True(effects.Where(name => name != "start").GroupBy(name => name).All(same => same.Count() == 1), story);
        foreach (var step in Plans.Short().Steps)
        {
            var name = StepKind.IsRound(step.Kind) ? $"{step.Id}-1" : step.Id;
            foreach (var needed in step.DependsOn.Select(needed => needed is "snapshot" or "restore" ? $"{needed}-1" : needed))
                if (effects.Contains(name))
                    Assert.True(effects.IndexOf(needed) is var before and >= 0 && before < effects.IndexOf(name), $"{name} before {needed}: {story}");
            if (effects.IndexOf($"undo {name}") is var undone and >= 0)
                Assert.True(effects.LastIndexOf(name) < undone, $"{name} after its undo: {story}");
        }
    }
}
