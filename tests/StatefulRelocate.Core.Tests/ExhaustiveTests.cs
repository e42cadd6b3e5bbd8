using System.Diagnostics;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Core.Tests.Exploration;

namespace StatefulRelocate.Core.Tests;

/// <summary>
/// The machine against a small model of the world, through every interleaving of effects, answers, guards, late messages, faults and signals within
/// the bounds. <c>RELOCATE_TEST_LONG=1</c> widens them.
/// </summary>
public sealed class ExhaustiveTests(ITestOutputHelper output)
{
    private static bool Long => Environment.GetEnvironmentVariable("RELOCATE_TEST_LONG") == "1";

    [Fact]
    public void Two_rounds_with_two_faults_and_a_signal_always_end_legally() =>
        AssertHolds(new Scenario { Faults = Long ? 3 : 2 });

    [Fact]
    public void The_fused_plan_with_two_faults_and_a_signal_always_ends_legally() =>
        AssertHolds(new Scenario { Fused = true, Faults = Long ? 3 : 2 });

    [Fact]
    public void A_gate_and_the_fresh_round_after_it_always_end_legally() =>
        AssertHolds(new Scenario
        {
            Faults = Long ? 2 : 1,
            Spec = Specs.With(new CutoverSpec { Approval = true }),
            RoundDuration = _ => TimeSpan.FromMilliseconds(50),
        });

    [Fact]
    public void A_move_that_does_not_converge_is_undone_legally() =>
        AssertHolds(new Scenario
        {
            Faults = Long ? 2 : 1,
            Spec = Specs.With(new CutoverSpec { MaxRounds = 2 }),
            RoundDuration = _ => TimeSpan.FromSeconds(10),
            Undisturbed = RelocationOutcome.Compensated,
        });

    [Fact]
    public void A_cutover_that_is_made_anyway_always_ends_legally() =>
        AssertHolds(new Scenario
        {
            Faults = 1,
            Spec = Specs.With(new CutoverSpec { MaxRounds = 1, OnNoConvergence = NoConvergencePolicy.CutoverAnyway }),
            RoundDuration = _ => TimeSpan.FromSeconds(10),
        });

    [Fact]
    public void A_skipped_fence_is_found() => AssertFound(new Scenario { Machine = new SkipsTheFence(), Faults = 1 });

    [Fact]
    public void A_skipped_fence_is_found_where_no_agent_checks_the_record_either() =>
        AssertFound(new Scenario { Machine = new SkipsTheFence(), Trusting = true, Faults = 1 });

    [Fact]
    public void A_skipped_undo_of_an_unfinished_step_is_found() =>
        AssertFound(new Scenario { Machine = new SkipsUndoOfUnfinishedSteps(), Faults = 1, Signals = 0 });

    [Fact]
    public void An_undo_after_the_point_of_no_return_is_found() =>
        AssertFound(new Scenario { Machine = new UndoesAfterThePointOfNoReturn(), Faults = 1, Signals = 0 });

    private void AssertHolds(Scenario scenario)
    {
        var found = Explore(scenario);
        Assert.True(found.Violation is null, found.Violation);
    }

    private string AssertFound(Scenario scenario)
    {
        var found = Explore(scenario);
        return Assert.IsType<string>(found.Violation);
    }

    private Findings Explore(Scenario scenario)
    {
        var clock = Stopwatch.StartNew();
        var found = new Explorer(scenario).Run();
        output.WriteLine($"{found} ({clock.Elapsed.TotalSeconds:0.0} s)");
        return found;
    }
}
