using StatefulRelocate.EndToEnd.Tests.Kills;

namespace StatefulRelocate.EndToEnd.Tests.Temporal;

/// <summary>A process of the Temporal engine dies inside the blackout and nobody starts another: the source serves again by itself.</summary>
[Collection(AloneCollection.Name)]
public sealed class TemporalGoneTests
{
    private static readonly TimeSpan MaxBlackout = TimeSpan.FromSeconds(3);

    [Theory]
    [InlineData(TemporalWorld.Server)]
    [InlineData(TemporalWorld.SourceAgent)]
    [InlineData(TemporalWorld.Temporal)]
    public async Task What_is_killed_inside_the_blackout_and_stays_away_does_not_keep_the_source_from_serving_again(string victim)
    {
        // A bound of time on a machine that others use as well: once out of a few times is proof.
        var took = TimeSpan.MaxValue;
        var bound = MaxBlackout + TimeSpan.FromSeconds(1);
        for (var attempt = 1; attempt <= 3 && took >= bound; attempt++)
        {
            await using var world = await TemporalWorld.CreateAsync(MaxBlackout);
            using var run = world.Begin();
            await world.ReachesAsync(run, "quiesce");

            await world.KillAsync(victim);
            took = await world.SilenceOfTheSourceAsync();

            await world.StartAgainAsync(victim);
            await world.EndsLegallyAsync();
            Assert.Empty(world.Lines("edge-b").Except(world.Lines("edge-a")));
        }

        Assert.True(took < bound, $"the source served again after {took.TotalMilliseconds:0} ms only");
    }
}
