using StatefulRelocate.EndToEnd.Tests.Programs;

namespace StatefulRelocate.EndToEnd.Tests.Temporal;

/// <summary>Terminate and reset in the middle of a move of a real app, with its activities still running.</summary>
[Collection(TemporalCollection.Name)]
public sealed class TemporalOperatorTests
{
    public static TheoryData<string> Moments => RelocateProgram.Long ? ["settle", "quiesce", "started"] : ["quiesce", "started"];

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task A_terminated_relocation_that_is_resumed_ends_legally_and_no_write_is_lost(string moment)
    {
        await using var world = await TemporalWorld.CreateAsync(TimeSpan.FromSeconds(20));
        using var run = world.Begin();
        await world.ReachesAsync(run, moment);
        await world.TerminateAsync();

        var resumed = await world.World.RunAsync("resume", (await world.RelocationAsync()).Id);

        Assert.True(resumed.ExitCode is 0 or 4, resumed.ToString());
        await world.EndsLegallyAsync();
    }

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task A_relocation_that_is_reset_to_its_first_task_ends_legally_and_no_write_is_lost(string moment)
    {
        await using var world = await TemporalWorld.CreateAsync(TimeSpan.FromSeconds(20));
        using var run = world.Begin();
        await world.ReachesAsync(run, moment);

        await world.ResetAsync();

        await world.EndsLegallyAsync();
    }
}
