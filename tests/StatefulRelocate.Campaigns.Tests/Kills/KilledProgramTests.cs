using StatefulRelocate.Campaigns.Tests.Programs;

namespace StatefulRelocate.Campaigns.Tests.Kills;

/// <summary>The program is killed (SIGKILL) at random instants: nothing sealed is lost, and the same command run again finishes the work.</summary>
public sealed class KilledProgramTests
{
    [Theory]
    [InlineData("directory")]
    [InlineData("minio")]
    public async Task A_killed_snapshot_leaves_a_sound_repository_and_is_taken_by_the_next_run(string place)
    {
        var random = Campaign.Seeded($"snapshot, {place}", 9100);
        await using var world = await KillWorld.CreateAsync(place, random);
        world.Change();
        var whole = await world.MustAsync("snapshot", "create", world.Source);
        await world.RequireSoundAsync("after the first");
        for (var round = 0; round < Campaign.Times(3, 200); round++)
        {
            world.Change();
            var after = whole * (random.NextDouble() * 1.1);
            var killed = await world.KillAsync(after, "snapshot", "create", world.Source);
            var when = $"round {round}, {(killed ? "killed" : "ended")} after {after.TotalMilliseconds:0} of {whole.TotalMilliseconds:0} ms";
            await world.RequireSoundAsync(when);
            whole = (whole + await world.MustAsync("snapshot", "create", world.Source)) / 2;
            await world.RequireSoundAsync($"{when}, and run again");
            await world.RequireRestorableAsync(when, Campaign.Times(1, 2));
        }

        await world.MustAsync("repo", "check", "--read-data");
        await world.RequireRestorableAsync("at the end", 10);
    }

    [Theory]
    [InlineData("directory")]
    [InlineData("minio")]
    public async Task A_killed_restore_is_finished_by_the_next_run(string place)
    {
        var random = Campaign.Seeded($"restore, {place}", 9200);
        await using var world = await KillWorld.CreateAsync(place, random);
        for (var snapshot = 0; snapshot < 3; snapshot++)
        {
            world.Change();
            await world.MustAsync("snapshot", "create", world.Source);
            await world.RequireSoundAsync("before");
        }

        var ids = await world.ListedAsync();
        var whole = await world.MustAsync("snapshot", "restore", ids[0], world.Target, "--in-place");
        for (var round = 0; round < Campaign.Times(3, 200); round++)
        {
            var id = ids[random.Next(ids.Count)];
            var after = whole * (random.NextDouble() * 1.1);
            var killed = await world.KillAsync(after, "snapshot", "restore", id, world.Target, "--in-place");
            var when = $"round {round}, {(killed ? "killed" : "ended")} after {after.TotalMilliseconds:0} of {whole.TotalMilliseconds:0} ms";
            // Another snapshot than the one that was being restored, now and then.
            var next = random.Next(3) == 0 ? ids[random.Next(ids.Count)] : id;
            await world.MustAsync("snapshot", "restore", next, world.Target, "--in-place");
            world.RequireTarget(next, when);
            if (random.Next(4) == 0)
                Scratch.Remove(world.Target);
        }

        await world.RequireSoundAsync("at the end");
    }
}
