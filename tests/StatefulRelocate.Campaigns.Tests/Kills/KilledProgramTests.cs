using StatefulRelocate.Campaigns.Tests.Programs;

namespace StatefulRelocate.Campaigns.Tests.Kills;

/// <summary>The program is killed (SIGKILL) at random instants: nothing sealed is lost, and the same command run again finishes the work.</summary>
public sealed class KilledProgramTests
{
    /// <summary>Snapshots in the repository between two rounds.</summary>
    private const int Kept = 4;

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
            await world.RequireRestorableAsync(when, Campaign.Times(1, Kept));
            await world.KeepAsync(Kept);
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

    [Theory]
    [InlineData("directory")]
    [InlineData("minio")]
    public async Task A_killed_forget_and_a_killed_prune_lose_nothing_and_are_finished_by_the_next_run(string place)
    {
        var random = Campaign.Seeded($"forget and prune, {place}", 9300);
        await using var world = await KillWorld.CreateAsync(place, random);
        for (var snapshot = 0; snapshot < 3; snapshot++)
            await TakeAsync();
        string[] prune = ["snapshot", "prune", "--grace", "0s"];
        var whole = await world.MustAsync(prune);
        for (var round = 0; round < Campaign.Times(2, 100); round++)
        {
            await TakeAsync();
            if (random.Next(3) == 0)
            {
                // Garbage of a writer that died; its announcement is still there.
                world.Change();
                await world.KillAsync(whole * random.NextDouble(), "snapshot", "create", world.Source);
                await world.RequireSoundAsync("a writer died");
            }

            var id = (await world.ListedAsync())[0];
            world.Forgettable.Add(id);
            var (forgetAfter, pruneAfter) = (whole * random.NextDouble(), whole * (random.NextDouble() * 1.1));
            await world.KillAsync(forgetAfter, "snapshot", "forget", id);
            await world.RequireSoundAsync($"round {round}, forget killed after {forgetAfter.TotalMilliseconds:0} ms");
            if ((await world.ListedAsync()).Contains(id))
                await world.MustAsync("snapshot", "forget", id);
            Assert.DoesNotContain(id, await world.ListedAsync());
            var killed = await world.KillAsync(pruneAfter, prune);
            var when = $"round {round}, prune {(killed ? "killed" : "ended")} after {pruneAfter.TotalMilliseconds:0} of {whole.TotalMilliseconds:0} ms";
            await world.RequireSoundAsync(when);
            if (random.Next(2) == 0)
                await TakeAsync();
            whole = (whole + await world.MustAsync(prune)) / 2;
            await world.RequireSoundAsync($"{when}, and run again");
            await world.RequireRestorableAsync(when, Campaign.Times(1, Kept));
            await world.KeepAsync(Kept);
        }

        // What died is superseded by a snapshot of the same directory; then nothing is in the way.
        await TakeAsync();
        await world.MustAsync(prune);
        await world.MustAsync(prune);
        Assert.Equal(0, await world.UnusedPacksAsync());
        await world.RequireRestorableAsync("at the end", 10);

        async Task TakeAsync()
        {
            world.Change();
            await world.MustAsync("snapshot", "create", world.Source);
            await world.RequireSoundAsync("a snapshot");
        }
    }
}
