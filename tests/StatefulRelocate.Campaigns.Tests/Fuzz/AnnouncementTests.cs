using StatefulRelocate.Campaigns.Tests.Programs;
using StatefulRelocate.Campaigns.Tests.Trees;
using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Streaming;

namespace StatefulRelocate.Campaigns.Tests.Fuzz;

/// <summary>Announcements are hints: whatever they say, sealed by whoever has the key, the restored tree is the sealed one and nothing else was touched.</summary>
[Collection(typeof(FuzzCollection))]
public sealed class AnnouncementTests : IDisposable
{
    private readonly Scratch _scratch = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_target_that_follows_forged_announcements_ends_as_the_manifest_says()
    {
        var random = Campaign.Seeded("forged announcements", 4500);
        var outside = _scratch.At("outside");
        await File.WriteAllTextAsync(outside, "untouched", Cancellation);
        await Repository.InitializeAsync(DirectoryObjectStore.Open(_scratch.At("repo")), _scratch.Key, Cancellation);
        var source = _scratch.At("source");
        var tree = new RandomTree(source, random);
        tree.Change(30);
        Posix.MakeSymbolicLink(Posix.Latin(outside), Posix.Latin(source) + "/lure");
        Posix.MakeFifo(Posix.Latin(source) + "/pipe");
        File.WriteAllBytes(Path.Combine(source, "large"), new byte[3 << 20]);
        await TakeAsync("one");
        var one = TreeImage.Of(source);
        tree.Change(10);
        var content = new byte[2 << 20];
        random.NextBytes(content);
        await File.WriteAllBytesAsync(Path.Combine(source, "large"), content, Cancellation);
        await TakeAsync("two");
        var two = TreeImage.Of(source);

        var streams = _scratch.Make("repo", "streams", "two");
        var repository = await OpenAsync();
        var genuine = await GenuineAsync(repository, streams);
        var (sealedManifest, hidden) = (_scratch.At("repo", "snapshots", "two"), _scratch.At("two"));
        for (var round = 0; round < Campaign.Times(8, 400); round++)
        {
            await RestoreAsync("one");
            one.RequireSameAs(TreeImage.Of(_scratch.At("target")), $"round {round}, before");
            File.Move(sealedManifest, hidden);
            Directory.Delete(streams, recursive: true);
            Directory.CreateDirectory(streams);
            for (var number = 0; number < random.Next(1, 4); number++)
            {
                var name = Announcement.Name("two", number);
                var forged = Forge(genuine, random).Seal(repository.Keys, name);
                if (random.Next(4) == 0)
                    forged = ForgedObjects.Forge(repository, name, forged, random)!.Value.Content;
                await File.WriteAllBytesAsync(Path.Combine(_scratch.At("repo"), name), forged, Cancellation);
            }

            var following = Task.Run(() => RestoreAsync("two", wait: true), Cancellation);
            // How far it gets before the manifest is there is left to chance.
            await Task.Delay(random.Next(150), Cancellation);
            File.Move(hidden, sealedManifest);
            await following.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
            two.RequireSameAs(TreeImage.Of(_scratch.At("target")), $"round {round}");
            Assert.Equal("untouched", await File.ReadAllTextAsync(outside, Cancellation));
        }
    }

    public void Dispose() => _scratch.Dispose();

    /// <summary>All that was announced of the second snapshot; where the announcer was slower than the round, its packs and one file at least.</summary>
    private static async Task<Announcement> GenuineAsync(Repository repository, string streams)
    {
        var (packs, runs) = (new List<Snapshots.Packs.PackTable>(), new List<FileRun>());
        foreach (var file in Directory.GetFiles(streams).Order(StringComparer.Ordinal))
        {
            var announced = Announcement.Open(repository.Keys, $"streams/two/{Path.GetFileName(file)}", await File.ReadAllBytesAsync(file, Cancellation));
            packs.AddRange(announced.Packs);
            runs.AddRange(announced.Runs);
        }

        if (packs.Count == 0)
        {
            await foreach (var (name, _, _) in repository.Store.ListAsync("index/", Cancellation))
                packs.AddRange(await Snapshots.Index.BlockIndex.ReadAsync(repository, name, Cancellation) ?? []);
        }

        var ids = packs.SelectMany(pack => pack.Segments).SelectMany(segment => segment.Ids).Take(256).ToArray();
        runs.Add(new FileRun(new EntryKey(0, "large"), 2 << 20, 0, ids));
        return new Announcement(packs, runs);
    }

    private static Announcement Forge(Announcement genuine, Random random)
    {
        var runs = new List<FileRun>();
        foreach (var run in genuine.Runs)
        {
            var forged = run;
            if (random.Next(3) == 0)
                forged = forged with { Key = new EntryKey(0, random.Next(6) switch { 0 => "lure", 1 => "pipe", 2 => "new", 3 => "no/such/directory", 4 => genuine.Runs[random.Next(genuine.Runs.Count)].Key.Path, _ => "lure/below" }) };
            if (random.Next(3) == 0)
                forged = forged with { Ids = [.. forged.Ids.Select(id => random.Next(3) == 0 ? default : random.Next(3) == 0 ? genuine.Runs[0].Ids[0] : id)] };
            if (random.Next(4) == 0)
                forged = forged with { Size = forged.Size + random.Next(3) * 8192, FirstBlock = Math.Max(0, Snapshots.Chunks.Blocks.Count(forged.Size) - forged.Ids.Length) };
            runs.Add(forged);
        }

        return new Announcement([.. genuine.Packs.Where(_ => random.Next(5) != 0)], [.. runs.OrderBy(_ => random.Next())]);
    }

    private Task<Repository> OpenAsync() => Repository.OpenAsync(DirectoryObjectStore.Open(_scratch.At("repo")), _scratch.Key, Cancellation);

    private async Task TakeAsync(string id) => await new Snapshotter(await OpenAsync(), TimeProvider.System).TakeAsync(new SnapshotRequest
    {
        App = "web",
        SnapshotId = id,
        Volumes = [new VolumePath("data", _scratch.At("source"))],
        JournalDirectory = _scratch.At("source-journal"),
    }, null, Cancellation);

    private async Task RestoreAsync(string id, bool wait = false)
        => await new Restorer(await OpenAsync(), TimeProvider.System).RestoreAsync(
            new RestoreRequest { SnapshotId = id, Volumes = [new VolumePath("data", _scratch.Make("target"))], JournalDirectory = _scratch.At("target-journal"), WaitForManifest = wait }, null, Cancellation);
}
