using StatefulRelocate.EndToEnd.Tests.Programs;
using Temporalio.Api.History.V1;

namespace StatefulRelocate.EndToEnd.Tests.Temporal;

/// <summary>Two servers and two agents of each cluster work on one Temporal server; one of each goes in the middle of a move.</summary>
[Collection(TemporalCollection.Name)]
public sealed class TemporalUpgradeTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Where_one_of_two_dies_the_other_goes_on()
    {
        await using var world = await TwoOfEachAsync();
        using var run = world.Begin();
        await world.ReachesAsync(run, "quiesce");

        foreach (var program in TemporalWorld.Programs)
            await world.KillAsync(program);

        await world.EndsLegallyAsync();
    }

    [Fact]
    public async Task In_a_rolling_upgrade_each_program_that_stops_finishes_what_it_has_and_the_move_completes()
    {
        await using var world = await TwoOfEachAsync();
        using var run = world.Begin();

        await world.ReachesAsync(run, "settle");
        var server = await world.StopAsync(TemporalWorld.Server);
        await world.ReachesAsync(run, "quiesce");
        var source = await world.StopAsync(TemporalWorld.SourceAgent);
        await world.ReachesAsync(run, "started");
        var target = await world.StopAsync(TemporalWorld.TargetAgent);
        var moved = await run.WaitAsync(Limit);

        foreach (var stopped in new[] { server, source, target })
        {
            Assert.True(stopped.ExitCode == 0, stopped.ToString());
            Assert.Contains("stopped", stopped.Errors, StringComparison.Ordinal);
        }

        Assert.True(World.Report(moved).GetProperty("outcome").GetString() == "completed", moved.ToString());
        var attempts = (await (await world.RelocationAsync()).FetchHistoryAsync()).Events.Select(static happened => happened.ActivityTaskStartedEventAttributes).OfType<ActivityTaskStartedEventAttributes>();
        Assert.All(attempts, static started => Assert.Equal(1, started.Attempt));
        await world.EndsLegallyAsync();
    }

    private static async Task<TemporalWorld> TwoOfEachAsync()
    {
        var world = await TemporalWorld.CreateAsync(TimeSpan.FromSeconds(20));
        foreach (var program in TemporalWorld.Programs)
            world.Start(program, $"another {program}");
        foreach (var program in TemporalWorld.Programs)
            await world.PolledByAsync(program, 2);
        return world;
    }
}
