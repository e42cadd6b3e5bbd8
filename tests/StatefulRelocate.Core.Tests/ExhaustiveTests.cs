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
    public void No_fault_while_two_rounds_are_moved_breaks_the_world_or_leaves_it_undecided() =>
        AssertHolds(new Scenario { Faults = Long ? 2 : 1 });

    private void AssertHolds(Scenario scenario)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var found = new Explorer(scenario).Run();
        output.WriteLine($"{found} in {clock.Elapsed.TotalSeconds:0.0} s");
        Assert.True(found.Violation is null, found.Violation);
    }
}
