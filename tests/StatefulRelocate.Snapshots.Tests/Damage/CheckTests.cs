using StatefulRelocate.Snapshots.Retention;
using StatefulRelocate.Snapshots.Tests.Fixtures;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Snapshots.Tests.Damage;

public sealed class CheckTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task A_flipped_bit_is_found_by_reading_and_the_snapshots_that_need_it_are_named()
    {
        await WriteAsync("first", 1);
        await _workspace.TakeAsync("one");
        var old = Packs();
        await WriteAsync("second", 2);
        await _workspace.TakeAsync("two");
        var damaged = Packs().Except(old).Single();
        Flip(damaged);
        Assert.Empty((await CheckAsync(0)).Problems);
        var found = await CheckAsync(100);
        Assert.Equal(["two"], found.AffectedSnapshots);
        Assert.Equal(["packs/" + Path.GetFileName(damaged), "snapshots/two"], found.DamagedObjects);
        Assert.Contains(found.Problems, p => p.Contains("'second'", StringComparison.Ordinal));
        Flip(damaged);
        Assert.Empty((await CheckAsync(100)).Problems);
    }

    [Fact]
    public async Task A_damaged_part_of_a_tree_is_named_with_every_snapshot_that_needs_it()
    {
        await WriteAsync("first", 1);
        await _workspace.TakeAsync("one");
        var part = Directory.GetFiles(Path.Combine(_workspace.Store, "maps")).Single();
        await WriteAsync("second", 2);
        await _workspace.TakeAsync("two");
        File.Delete(part);
        var found = await CheckAsync(0);
        Assert.Equal(["one", "two"], found.AffectedSnapshots);
        Assert.Contains("maps/" + Path.GetFileName(part), found.DamagedObjects);
    }

    [Fact]
    public async Task A_block_that_another_pack_holds_too_is_not_lost()
    {
        await WriteAsync("file", 1);
        await _workspace.TakeAsync("one");
        var pack = Packs().Single();
        var repository = await _workspace.RepositoryAsync();
        await new DeletionMark { Objects = ["packs/" + Path.GetFileName(pack)] }.PutAsync(repository, "prune/0123456789abcdef", Workspace.Cancellation);
        Directory.Delete(_workspace.SourceJournal, recursive: true);
        await _workspace.TakeAsync("two");
        Assert.Equal(2, Packs().Length);
        Flip(pack);
        var found = await CheckAsync(100);
        Assert.Empty(found.AffectedSnapshots);
        Assert.Equal(["packs/" + Path.GetFileName(pack)], found.DamagedObjects);
    }

    [Fact]
    public async Task An_old_manifest_that_is_played_back_after_a_prune_is_found_and_named()
    {
        await WriteAsync("file", 1);
        await _workspace.TakeAsync("old");
        var manifest = Path.Combine(_workspace.Store, "snapshots", "old");
        var content = await File.ReadAllBytesAsync(manifest, Workspace.Cancellation);
        await WriteAsync("file", 2);
        await _workspace.TakeAsync("new");
        var repository = await _workspace.RepositoryAsync();
        var forgetting = new SnapshotForgetting(repository);
        await forgetting.ForgetAsync(await forgetting.PlanAsync(["old"], Workspace.Cancellation), Workspace.Cancellation);
        await new Pruner(repository).RunAsync(new() { Grace = TimeSpan.Zero }, null, Workspace.Cancellation);
        Assert.Empty((await CheckAsync(100)).Problems);
        await File.WriteAllBytesAsync(manifest, content, Workspace.Cancellation);
        Assert.Equal(["old"], (await CheckAsync(0)).AffectedSnapshots);

        // Under another name it is no manifest at all.
        File.Move(manifest, Path.Combine(_workspace.Store, "snapshots", "renamed"));
        var found = await CheckAsync(0);
        Assert.Equal(["renamed"], found.AffectedSnapshots);
        Assert.Equal(["snapshots/renamed"], found.DamagedObjects);
    }

    [Fact]
    public async Task A_share_of_the_packs_can_be_read()
    {
        for (var i = 0; i < 12; i++)
        {
            await WriteAsync($"file-{i}", i);
            await _workspace.TakeAsync($"s-{i:00}");
        }

        var all = (await CheckAsync(100)).BytesRead;
        var half = new List<long>();
        for (var i = 0; i < 8; i++)
            half.Add((await CheckAsync(50)).BytesRead);
        Assert.Contains(half, read => read > 0 && read < all);
        Assert.True(half.Distinct().Count() > 1, "each time the same packs were read");
    }

    [Fact]
    public async Task An_unreadable_mark_of_a_prune_is_named()
    {
        await WriteAsync("file", 1);
        await _workspace.TakeAsync("one");
        await new DeletionMark().PutAsync(await _workspace.RepositoryAsync(), "prune/0123456789abcdef", Workspace.Cancellation);
        Flip(Path.Combine(_workspace.Store, "prune", "0123456789abcdef"));
        Assert.Equal(["prune/0123456789abcdef"], (await CheckAsync(0)).DamagedObjects);
    }

    public void Dispose() => _workspace.Dispose();

    private async Task<RepositoryChecked> CheckAsync(double percent)
        => await new RepositoryChecker(await _workspace.ReopenAsync()).CheckAsync(new CheckRequest { ReadPercent = percent }, null, Workspace.Cancellation);

    private string[] Packs() => Directory.GetFiles(Path.Combine(_workspace.Store, "packs"));

    private static void Flip(string path)
    {
        using var file = File.Open(path, FileMode.Open);
        file.Position = file.Length / 2;
        var value = file.ReadByte();
        file.Position--;
        file.WriteByte((byte)(value ^ 1));
    }

    private async Task WriteAsync(string name, int seed)
    {
        var content = new byte[200_000];
        new Random(seed).NextBytes(content);
        await File.WriteAllBytesAsync(Path.Combine(_workspace.Source, name), content, Workspace.Cancellation);
    }
}
