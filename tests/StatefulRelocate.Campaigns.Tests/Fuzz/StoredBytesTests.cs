using System.Collections.Immutable;
using StatefulRelocate.Campaigns.Tests.Programs;
using StatefulRelocate.Campaigns.Tests.Trees;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Leases;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Retention;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Campaigns.Tests.Fuzz;

/// <summary>Every object of a repository, damaged as it is stored and damaged before it was sealed: reading ends in a clear error, or in what was saved.</summary>
[Collection(typeof(FuzzCollection))]
public sealed class StoredBytesTests : IDisposable
{
    private readonly Scratch _scratch = new();
    private readonly Dictionary<string, TreeImage> _model = new(StringComparer.Ordinal);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Store => _scratch.At("repo");

    [Theory]
    [InlineData("config")]
    [InlineData("keys")]
    [InlineData("index")]
    [InlineData("maps")]
    [InlineData("packs")]
    [InlineData("snapshots")]
    [InlineData("leases")]
    [InlineData("prune")]
    [InlineData("writers")]
    public async Task A_damaged_object_is_refused_in_clear_words_or_changes_nothing(string kind)
    {
        var random = Campaign.Seeded(kind, 4200);
        await FillAsync(random);
        var repository = await OpenAsync();
        var files = kind == "config" ? [Path.Combine(Store, kind)] : Directory.GetFiles(Path.Combine(Store, kind), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray();
        Assert.NotEmpty(files);
        for (var round = 0; round < Campaign.Times(14, 2000); round++)
        {
            var file = files[random.Next(files.Length)];
            var original = await File.ReadAllBytesAsync(file, Cancellation);
            var name = Path.GetRelativePath(Store, file).Split('@')[0];
            var (content, what) = (random.Next(4) == 0 ? null : ForgedObjects.Forge(repository, name, original, random)) ?? Mutation.Of(original, random);
            await File.WriteAllBytesAsync(file, content, Cancellation);
            var failure = await Watched.RunAsync(ReadAllAsync);
            Assert.True(failure is null, $"round {round}, {name}, {what}: {failure}");
            await File.WriteAllBytesAsync(file, original, Cancellation);
        }

        await ReadAllAsync();
    }

    [Theory]
    [InlineData("source-journal")]
    [InlineData("target-journal")]
    public async Task A_damaged_journal_costs_time_and_nothing_else(string journal)
    {
        var random = Campaign.Seeded(journal, 4300);
        var tree = await FillAsync(random);
        for (var round = 0; round < Campaign.Times(10, 500); round++)
        {
            var files = Directory.GetFiles(_scratch.At(journal), "*", SearchOption.AllDirectories).Where(file => new FileInfo(file).Length > 0).Order(StringComparer.Ordinal).ToArray();
            Assert.NotEmpty(files);
            var file = files[random.Next(files.Length)];
            var (content, what) = Mutation.Of(await File.ReadAllBytesAsync(file, Cancellation), random);
            await File.WriteAllBytesAsync(file, content, Cancellation);
            tree.Change(2);
            var id = $"journal-{round}";
            try
            {
                await TakeAsync(id);
                await RestoreAsync(await OpenAsync(), id, _scratch.At("target"));
                _model[id].RequireSameAs(TreeImage.Of(_scratch.At("target")), id);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                throw new InvalidOperationException($"round {round}, {Path.GetFileName(file)}: {what}", error);
            }
        }
    }

    public void Dispose() => _scratch.Dispose();

    /// <summary>Two snapshots and a lease; the first target keeps a journal.</summary>
    private async Task<RandomTree> FillAsync(Random random)
    {
        var repository = await Repository.InitializeAsync(DirectoryObjectStore.Open(Store), _scratch.Key, Cancellation);
        var tree = new RandomTree(_scratch.At("source"), random);
        tree.Change(30);
        await TakeAsync("one");
        await RestoreAsync(await OpenAsync(), "one", _scratch.Make("target"));
        tree.Change(10);
        await TakeAsync("two");
        await new WriterRecordStore(repository).SwapAsync(null, new WriterRecord { App = "web", Epoch = 1, Writer = "edge-a", ChangeId = "c1" }, Cancellation);
        // What a prune and a writer elsewhere leave while they are at work.
        var mark = DeletionMark.NewName();
        await new DeletionMark { Objects = ["packs/00112233445566778899aabbccddeeff", "maps/00112233445566778899aabbccddeeff"] }.PutAsync(repository, mark, Cancellation);
        Directory.CreateDirectory(_scratch.At("elsewhere"));
        await WriterAnnouncement.BeginAsync(repository, "three", null, _scratch.At("elsewhere"), Cancellation);
        return tree;
    }

    private Task<Repository> OpenAsync() => Repository.OpenAsync(DirectoryObjectStore.Open(Store), _scratch.Key, Cancellation);

    private async Task TakeAsync(string id)
    {
        await new Snapshotter(await OpenAsync(), TimeProvider.System).TakeAsync(new SnapshotRequest
        {
            App = "web",
            SnapshotId = id,
            Volumes = [new VolumePath("data", _scratch.At("source"))],
            JournalDirectory = _scratch.At("source-journal"),
        }, null, Cancellation);
        _model[id] = TreeImage.Of(_scratch.At("source"));
    }

    private async Task RestoreAsync(Repository repository, string id, string target)
        => await new Restorer(repository, TimeProvider.System).RestoreAsync(
            new RestoreRequest { SnapshotId = id, Volumes = [new VolumePath("data", target)], JournalDirectory = target == _scratch.At("target") ? _scratch.At("target-journal") : target + "-journal" }, null, Cancellation);

    /// <summary>All that reads a repository. Each part is tried, whatever became of the one before; what a restore brings back without an error is right.</summary>
    private async Task ReadAllAsync()
    {
        var problems = new List<Exception>();
        var repository = await OpenAsync();
        await TryAsync(problems, async () => await new WriterRecordStore(repository).ReadAsync("web", Cancellation));
        await TryAsync(problems, async () => await repository.Snapshots.ListAsync(Cancellation).CountAsync(Cancellation));
        await TryAsync(problems, async () => await new RepositoryChecker(repository).CheckAsync(true, Cancellation));
        await TryAsync(problems, async () =>
        {
            SnapshotManifest one = await repository.Snapshots.GetAsync("one", Cancellation), two = await repository.Snapshots.GetAsync("two", Cancellation);
            await repository.Snapshots.DiffAsync(one, two, Cancellation);
        });
        await TryAsync(problems, async () => await DeletionMark.CondemnedAsync(repository, Cancellation));
        await foreach (var (name, _, _) in repository.Store.ListAsync(WriterAnnouncement.Prefix, Cancellation))
            await TryAsync(problems, async () => await WriterAnnouncement.ReadAsync(repository, name, Cancellation));
        foreach (var (id, image) in _model)
        {
            var target = _scratch.At("fuzz-target");
            Scratch.Remove(target);
            Scratch.Remove(target + "-journal");
            Directory.CreateDirectory(target);
            await TryAsync(problems, async () =>
            {
                await RestoreAsync(await OpenAsync(), id, target);
                image.RequireSameAs(TreeImage.Of(target), id);
            });
        }

        Assert.Equal(ImmutableArray<string>.Empty, [.. problems.Where(error => !Watched.IsClear(error)).Select(error => error.ToString())]);
    }

    private static async Task TryAsync(List<Exception> problems, Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (Exception error)
        {
            problems.Add(error);
        }
    }
}
