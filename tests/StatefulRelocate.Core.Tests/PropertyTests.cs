using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Core.Serialization;
using StatefulRelocate.Core.Tests.Exploration;

namespace StatefulRelocate.Core.Tests;

/// <summary>Random plans and schedules. The seed is printed; <c>RELOCATE_TEST_SEED</c> repeats it.</summary>
public sealed class PropertyTests(ITestOutputHelper output)
{
    private const int FaultsOnAWalk = 5;

    [Fact]
    public void Random_plans_and_schedules_keep_the_invariants_and_end() => Check(300, walk => Walk(walk).Ended);

    [Fact]
    public void Decide_is_a_pure_function() => Check(60, walk =>
    {
        var journey = Walk(walk);
        return Folded(journey).All(state => SagaMachine.Decide(state).SequenceEqual(SagaMachine.Decide(state)));
    });

    [Fact]
    public void Deciding_again_after_each_committed_event_asks_for_the_same_as_deciding_once() => Check(60, walk => Folded(Walk(walk)).All(state =>
    {
        var commands = SagaMachine.Decide(state);
        for (var done = 0; done < commands.Length; done++)
        {
            if (!SagaMachine.Decide(state).Select(Text).SequenceEqual(commands.Skip(done).Select(Text)))
                return false;
            state = SagaMachine.Evolve(state, SagaMachine.Record(state, commands[done], DateTimeOffset.UnixEpoch));
        }
        return true;
    }));

    [Fact]
    public void Sequence_numbers_grow_with_every_dispatch() => Check(60, walk =>
    {
        var sequences = Walk(walk).Journal.OfType<StepStarted>().Select(started => started.Sequence).ToList();
        return sequences.SequenceEqual(Enumerable.Range(1, sequences.Count).Select(i => (long)i));
    });

    [Fact]
    public void A_journal_read_back_from_json_gives_the_same_state() => Check(60, walk =>
    {
        var journey = Walk(walk);
        var plan = JsonSerializer.Deserialize(JsonSerializer.Serialize(journey.Plan, CoreJson.Default.RelocationPlan), CoreJson.Default.RelocationPlan)!;
        var events = journey.Journal.Select(e => JsonSerializer.Deserialize(JsonSerializer.Serialize(e, CoreJson.Default.SagaEvent), CoreJson.Default.SagaEvent)!);
        var replayed = events.Aggregate(SagaMachine.Start(plan), SagaMachine.Evolve);
        return Text(replayed) == Text(journey.Last);
    });

    [Fact]
    public void Commands_of_a_replayed_state_are_the_same_commands() => Check(60, walk =>
    {
        var journey = Walk(walk);
        return Folded(journey).Zip(Folded(journey), (left, right) =>
            SagaMachine.Decide(left).Select(Text).SequenceEqual(SagaMachine.Decide(right).Select(Text))
            && SagaMachine.InFlight(left).Select(Text).SequenceEqual(SagaMachine.InFlight(right).Select(Text))).All(same => same);
    });

    private static IEnumerable<SagaState> Folded(Journeyed journey)
    {
        var state = SagaMachine.Start(journey.Plan);
        yield return state;
        foreach (var happened in journey.Journal)
            yield return state = SagaMachine.Evolve(state, happened);
    }

    /// <summary>Reflection, so that nothing that the generated form leaves out goes unseen.</summary>
    private static string Text<T>(T value) => JsonSerializer.Serialize<object?>(value);

    private static Journeyed Walk(RandomWalk walk)
    {
        var scenario = new Scenario
        {
            Faults = FaultsOnAWalk,
            Signals = 2,
            Spec = Specs.With(walk.Cutover),
            RoundDuration = round => TimeSpan.FromMilliseconds(walk.Durations[round % walk.Durations.Length]),
        };
        var explorer = new Explorer(scenario);
        var node = explorer.First();
        var events = new List<SagaEvent>(node.Events);
        for (var i = 0; ; i++)
        {
            if (explorer.Wrong(node) is { } wrong && !(wrong.StartsWith("nothing disturbed", StringComparison.Ordinal)))
                throw new InvalidOperationException($"{wrong}, on the path\n  {node.Path()}");
            var successors = explorer.Successors(node).ToList();
            if (successors.Count == 0)
                return new Journeyed(node.Saga.Plan, events, node.Saga, node.Saga.Outcome is not null);
            var choice = walk.Choices[i % walk.Choices.Length];
            // Faults are many at every state; without this they would all happen in the first steps.
            var calm = successors.Where(next => next.FaultsLeft == node.FaultsLeft && next.SignalsLeft == node.SignalsLeft).ToList();
            var among = calm.Count > 0 && choice % 16 != 0 ? calm : successors;
            node = among[choice / 16 % among.Count];
            events.AddRange(node.Events);
        }
    }

    private void Check(int tests, Func<RandomWalk, bool> holds)
    {
        var seed = ulong.TryParse(Environment.GetEnvironmentVariable("RELOCATE_TEST_SEED"), out var given) ? given : (ulong)Random.Shared.NextInt64();
        output.WriteLine($"seed {seed}");
        if (Environment.GetEnvironmentVariable("RELOCATE_TEST_LONG") == "1")
            tests *= 20;
        var config = Config.QuickThrowOnFailure.WithMaxTest(tests).WithReplay(new Replay(new Rnd(seed), null));
        FsCheck.Check.One(config, Prop.ForAll(Arb.From(RandomWalk.Generator), holds));
    }

    private sealed record Journeyed(RelocationPlan Plan, List<SagaEvent> Journal, SagaState Last, bool Ended);
}

/// <summary>A random plan, and the choices that make a schedule.</summary>
internal sealed record RandomWalk(CutoverSpec Cutover, int[] Durations, int[] Choices)
{
    public static Gen<RandomWalk> Generator { get; } =
        from rounds in Gen.Choose(1, 3)
        from gain in Gen.Choose(0, 9)
        from budget in Gen.Choose(200, 2000)
        from approval in Gen.Elements(true, false)
        from anyway in Gen.Elements(NoConvergencePolicy.Abort, NoConvergencePolicy.CutoverAnyway)
        from quiesce in Gen.Elements(QuiesceMode.Stop, QuiesceMode.Freeze)
        from durations in Gen.ArrayOf(Gen.Choose(0, 3000), 5)
        from choices in Gen.ArrayOf(Gen.Choose(0, 1_000_000), 150)
        select new RandomWalk(
            new CutoverSpec
            {
                MaxRounds = rounds,
                MinimumGain = gain / 10.0,
                MaxDowntime = TimeSpan.FromMilliseconds(budget),
                Approval = approval,
                OnNoConvergence = anyway,
                Quiesce = quiesce,
            },
            durations,
            choices);

    public override string ToString() => $"{Cutover}, rounds [{string.Join(", ", Durations)}], choices [{string.Join(", ", Choices)}]";
}
