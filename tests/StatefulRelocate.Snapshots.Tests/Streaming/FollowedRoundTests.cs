using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.Snapshots.Streaming;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Streaming;

/// <summary>A target that follows a round while it is taken, and announcements that lie.</summary>
public sealed class FollowedRoundTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task What_is_announced_is_on_the_target_before_the_manifest_is_there()
    {
        Write("database", 3_000_000, 1);
        Write("gone", 10_000, 2);
        await _workspace.MoveAsync();
        Poke("database", 1_234_567);
        Write("sub/deep/new", 200_000, 3);
        File.Delete(In(_workspace.Source, "gone"));
        await _workspace.TakeAsync("two");
        await AnnounceAsync("two", await TreeAsync("two"));

        var (store, repository) = await HeldAsync("two");
        var restoring = RestoreAsync(repository, "two");
        await UntilAsync(() => Same("database") && Same("sub/deep/new"));
        Assert.False(restoring.IsCompleted);
        Assert.DoesNotContain("snapshots/two", store.Read);
        Assert.True(File.Exists(In(_workspace.Target, "gone")));

        store.Release();
        var restored = await restoring;
        await RequireArrivedAsync("two");

        // Everything that was written was written ahead: one page and the new file.
        Assert.Equal(8192 + 200_000, restored.Figures.BytesChanged);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_round_that_is_being_taken_arrives_before_it_is_sealed(bool first)
    {
        Write("database", 3_000_000, 1);
        Write("d/small", 9_000, 2);
        if (!first)
            await _workspace.MoveAsync();
        Poke("database", 1_234_567);
        Write("d/new", 30_000, 3);
        var (store, slow) = await HeldAsync("two");
        var taking = new Snapshots.Rounds.Snapshotter(slow, TimeProvider.System).TakeAsync(_workspace.Request("two", final: true) with { RelocationId = "r" }, null, Workspace.Cancellation);
        var restoring = RestoreAsync(await _workspace.ReopenAsync(), "two");
        await UntilAsync(() => Same("database") && Same("d/new") && Same("d/small"));
        Assert.False(taking.IsCompleted || restoring.IsCompleted);
        store.Release();
        var taken = await taking;
        var restored = await restoring;
        await RequireArrivedAsync("two");
        Assert.Equal(taken.Figures.BytesChanged, restored.Figures.BytesChanged);
    }

    [Fact]
    public async Task A_first_round_is_followed_into_an_empty_target()
    {
        for (var i = 0; i < 50; i++)
            Write($"d{i % 5}/f{i}", 1000 + i * 997, i);
        await _workspace.TakeAsync("one");
        await AnnounceAsync("one", await TreeAsync("one"));
        var (store, repository) = await HeldAsync("one");
        var restoring = RestoreAsync(repository, "one");
        await UntilAsync(() => Directory.EnumerateFiles(_workspace.Source, "*", SearchOption.AllDirectories).All(f => Same(Path.GetRelativePath(_workspace.Source, f))));
        store.Release();
        await restoring;
        await RequireArrivedAsync("one");
    }

    [Fact]
    public async Task Announcements_of_another_tree_change_nothing_of_the_result()
    {
        Write("database", 500_000, 1);
        Write("same", 100_000, 2);
        await _workspace.MoveAsync();

        // What is announced is true of a tree that is never sealed under this id: other contents, other sizes, files too many, files as directories.
        Write("database", 700_000, 9);
        Write("same", 8192, 10);
        Write("database2/file", 1000, 11);
        await _workspace.TakeAsync("lie");
        var lies = await TreeAsync("lie");
        Directory.Delete(In(_workspace.Source, "database2"), recursive: true);
        Write("database", 500_000, 1);
        Write("same", 100_000, 2);
        Poke("database", 77_777);
        await _workspace.TakeAsync("two");
        await AnnounceAsync("two", lies);

        var (store, repository) = await HeldAsync("two");
        var restoring = RestoreAsync(repository, "two");
        await UntilAsync(() => new FileInfo(In(_workspace.Target, "database")).Length == 700_000 && File.Exists(In(_workspace.Target, "database2/file")));
        store.Release();
        await restoring;
        await RequireArrivedAsync("two");
    }

    [Theory]
    [InlineData(10_000)]
    [InlineData(10_000, 20_000)]
    [InlineData(30_000, 10_000)]
    [InlineData(30_000, 12_000, 16_384)]
    public async Task A_file_cut_within_a_block_on_the_way_holds_that_block_again_in_the_end(params int[] sizes)
    {
        // An app writes its file anew while the round reads it: it is seen shorter for a moment, and its content is as it was in the end.
        Write("state", 20_000, 1);
        await _workspace.MoveAsync();
        Write("other", 1_000, 2);
        await _workspace.TakeAsync("two");
        var repository = await _workspace.RepositoryAsync();
        var runs = sizes.Select(size => new FileRun(new EntryKey(0, "state"), size, 0, [default])).Append(new FileRun(new EntryKey(0, "last"), 8192, 0, [default])).ToList();
        for (var i = 0; i < runs.Count; i++)
        {
            var name = Announcement.Name("two", i);
            await repository.Store.PutAsync(name, new Announcement([], [runs[i]]).Seal(repository.Keys, name), PutCondition.Always, Workspace.Cancellation);
        }

        var (store, slow) = await HeldAsync("two");
        var restoring = RestoreAsync(slow, "two");
        await UntilAsync(() => File.Exists(In(_workspace.Target, "last")));
        Assert.Equal(sizes[^1], new FileInfo(In(_workspace.Target, "state")).Length);
        store.Release();
        await restoring;
        await RequireArrivedAsync("two");
    }

    [Theory]
    [InlineData("truncated")]
    [InlineData("from another round")]
    [InlineData("sealed with another key")]
    public async Task An_announcement_that_does_not_open_is_left_alone(string kind)
    {
        Write("file", 100_000, 1);
        await _workspace.TakeAsync("one");
        await AnnounceAsync("other", await TreeAsync("one"));
        var store = DirectoryObjectStore.Open(_workspace.Store);
        var content = (await store.GetAsync("streams/other/000000", Workspace.Cancellation))!.Content;
        content = kind switch
        {
            "truncated" => content[..^1],
            "from another round" => content,
            _ => new KeyRing(new byte[32]).Seal(Announcement.Purpose, "streams/one/000000", "nonsense"u8),
        };
        await store.PutAsync("streams/one/000000", content, PutCondition.Always, Workspace.Cancellation);
        var (held, repository) = await HeldAsync("one");
        var restoring = RestoreAsync(repository, "one");
        await UntilAsync(() => held.Read.Contains("streams/one/000000"));
        held.Release();
        await restoring;
        await RequireArrivedAsync("one");
    }

    [Fact]
    public async Task An_announcement_leads_through_no_link_and_out_of_no_volume()
    {
        var outside = Directory.CreateDirectory(In(_workspace.Root, "outside")).FullName;
        await File.WriteAllTextAsync(In(outside, "file"), "untouched", Workspace.Cancellation);
        Write("link/file", 50_000, 1);
        Write("hard", 50_000, 2);
        await _workspace.TakeAsync("one");
        var tree = await TreeAsync("one");
        File.CreateSymbolicLink(In(_workspace.Target, "link"), outside);
        TreeComparison.Run("ln", In(outside, "file"), In(_workspace.Target, "hard"));
        await AnnounceAsync("one", tree);
        var hostile = tree.First(e => e.Type == EntryType.File);
        var repository = await _workspace.RepositoryAsync();
        foreach (var (path, number) in new[] { ("../outside/file", 1), ("/etc/relocate-was-here", 2), ("a/../../outside/file", 3) })
        {
            var name = Announcement.Name("one", number);
            var run = new FileRun(new EntryKey(0, path), hostile.Size, 0, [.. hostile.Blocks.Chunk(0)!.Ids]);
            await repository.Store.PutAsync(name, new Announcement([], [run]).Seal(repository.Keys, name), PutCondition.Always, Workspace.Cancellation);
        }

        var (held, other) = await HeldAsync("one");
        var restoring = RestoreAsync(other, "one");
        await UntilAsync(() => held.Read.Contains("streams/one/000001"));
        held.Release();
        await restoring;
        Assert.Equal("untouched", await File.ReadAllTextAsync(In(outside, "file"), Workspace.Cancellation));
        Assert.False(File.Exists("/etc/relocate-was-here"));
        await RequireArrivedAsync("one");
    }

    [Fact]
    public async Task What_somebody_writes_to_a_followed_file_is_put_right()
    {
        Write("database", 1_000_000, 1);
        await _workspace.MoveAsync();
        Poke("database", 500_000);
        await _workspace.TakeAsync("two");
        await AnnounceAsync("two", await TreeAsync("two"));
        var (store, repository) = await HeldAsync("two");
        var restoring = RestoreAsync(repository, "two");

        // Its time says that whoever follows is done with it: what is written while he writes too is nobody's to tell apart.
        await UntilAsync(() => Same("database") && File.GetLastWriteTimeUtc(In(_workspace.Target, "database")).Year == 1970);
        using (var file = File.OpenWrite(In(_workspace.Target, "database")))
            file.Write("garbage"u8);
        store.Release();
        await restoring;
        await RequireArrivedAsync("two");
    }

    public void Dispose() => _workspace.Dispose();

    private static string In(string directory, string path) => Path.Combine(directory, path);

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(5, Workspace.Cancellation);
    }

    private bool Same(string path)
    {
        try
        {
            return File.ReadAllBytes(In(_workspace.Source, path)).AsSpan().SequenceEqual(File.ReadAllBytes(In(_workspace.Target, path)));
        }
        catch (IOException)
        {
            return false;
        }
    }

    private async Task<List<TreeEntry>> TreeAsync(string id)
    {
        var repository = await _workspace.RepositoryAsync();
        return [.. (await LayerReader.ReadAllAsync(repository, await repository.Snapshots.GetAsync(id, Workspace.Cancellation), Workspace.Cancellation)).Values];
    }

    /// <summary>Announces a tree the way a round does that reads all of it.</summary>
    private async Task AnnounceAsync(string id, List<TreeEntry> tree)
    {
        var repository = await _workspace.RepositoryAsync();
        await using var announcer = RoundAnnouncer.Start(repository, id, null, Workspace.Cancellation);
        foreach (var entry in tree.Where(e => e.Type == EntryType.File))
        {
            foreach (var (number, chunk) in entry.Blocks.Stored())
                announcer.BlocksRead(entry.Volume, entry.Path, entry.Size, number * Snapshots.Chunks.BlockMap.ChunkBlocks, chunk.Ids);
        }

        var packs = new List<Packs.PackTable>();
        await foreach (var item in repository.Store.ListAsync("index/", Workspace.Cancellation))
            packs.AddRange(await Snapshots.Index.BlockIndex.ReadAsync(repository, item.Name, Workspace.Cancellation) ?? []);
        foreach (var pack in packs)
            announcer.PackDurable(pack);

        // Packs and runs may come in several objects; what was said last is the last pack.
        for (var number = 0; ;)
        {
            if (await repository.Store.GetAsync(Announcement.Name(id, number), Workspace.Cancellation) is not { } put)
                await Task.Delay(5, Workspace.Cancellation);
            else if (Announcement.Open(repository.Keys, Announcement.Name(id, number++), put.Content).Packs.Any(p => p.Name == packs[^1].Name))
                break;
        }
    }

    private async Task<(HeldStore Store, Repository Repository)> HeldAsync(string id)
    {
        await _workspace.RepositoryAsync();
        var store = new HeldStore(DirectoryObjectStore.Open(_workspace.Store), "snapshots/" + id);
        return (store, await Repository.OpenAsync(store, RepositoryKey.FromKeyFile(_workspace.KeyFile), Workspace.Cancellation));
    }

    private Task<SnapshotRestored> RestoreAsync(Repository repository, string id)
        => new Restorer(repository, TimeProvider.System).RestoreAsync(
            new() { SnapshotId = id, Volumes = [new("data", _workspace.Target)], JournalDirectory = _workspace.TargetJournal, WaitForManifest = true }, null, Workspace.Cancellation);

    private async Task RequireArrivedAsync(string id)
    {
        var verified = await _workspace.VerifyAsync(id);
        Assert.True(verified.Matches, string.Join("; ", verified.Differences));
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    private void Write(string path, int length, int seed)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        Directory.CreateDirectory(Path.GetDirectoryName(In(_workspace.Source, path))!);
        File.WriteAllBytes(In(_workspace.Source, path), content);
    }

    private void Poke(string path, long offset)
    {
        using var file = File.Open(In(_workspace.Source, path), FileMode.Open);
        file.Position = offset;
        var value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 1));
    }
}
