using StatefulRelocate.Campaigns.Tests.Programs;
using StatefulRelocate.Campaigns.Tests.Trees;
using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Retention;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Campaigns.Tests.Properties;

/// <summary>Random trees, random changes, random rounds, random restores; the model is what an independent reader saw when each snapshot was taken.</summary>
public sealed class RoundsAgainstTheModelTests : IDisposable
{
    private const int LastBlock = 8192;
    private readonly Scratch _scratch = new();
    private readonly List<string> _history = [];
    private readonly Dictionary<string, TreeImage> _model = new(StringComparer.Ordinal);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Whatever_was_changed_and_in_whatever_order_snapshots_and_restores_come_each_restores_what_was_there(int number)
    {
        var seed = Campaign.Seed($"history {number}", 7100) + number;
        var random = new Random(seed);
        var source = _scratch.At("source");
        var tree = new RandomTree(source, random);
        _history.AddRange(tree.Change(25));
        await Repository.InitializeAsync(DirectoryObjectStore.Open(_scratch.At("repo")), _scratch.Key, Cancellation);
        var targets = new[] { _scratch.Make("target-0"), _scratch.Make("target-1") };
        for (var step = 0; step < Campaign.Times(14, 150); step++)
        {
            switch (random.Next(12))
            {
                case 0 or 1 or 2 or 3:
                    _history.AddRange(tree.Change(random.Next(8)));
                    await TakeAsync($"s-{step}", random.Next(4) == 0);
                    break;
                case 4:
                    _history.Add("the source's journal is lost");
                    Scratch.Remove(_scratch.At("source-journal"));
                    break;
                case 5:
                    _history.Add("a target's journal is lost");
                    Scratch.Remove(_scratch.At("target-0-journal"));
                    break;
                case 6:
                    Disturb(targets[0], random);
                    break;
                case 10 when _model.Count > 2:
                    await ForgetAsync(AnyKnown(random));
                    break;
                case 11:
                    await PruneBesideASnapshotAsync($"s-{step}", tree, random);
                    break;
                case 7 when _model.Count > 0:
                    await RestoreAsync(AnyKnown(random), _scratch.Make($"fresh-{step}"), seed);
                    Scratch.Remove(_scratch.At($"fresh-{step}"));
                    break;
                default:
                    if (_model.Count > 0)
                        await RestoreAsync(random.Next(3) == 0 ? AnyKnown(random) : _model.Keys.Last(), targets[random.Next(2)], seed);
                    break;
            }
        }

        await TakeAsync("last", final: true);
        foreach (var id in _model.Keys.TakeLast(4).ToList())
            await RestoreAsync(id, targets[0], seed);
        var check = await new RepositoryChecker(await OpenAsync()).CheckAsync(true, Cancellation);
        Assert.True(check.Problems.IsEmpty, string.Join('\n', check.Problems));
    }

    public void Dispose() => _scratch.Dispose();

    // Opened anew each time, as another process would.
    private Task<Repository> OpenAsync() => Repository.OpenAsync(DirectoryObjectStore.Open(_scratch.At("repo")), _scratch.Key, Cancellation);

    private async Task TakeAsync(string id, bool final)
    {
        _history.Add($"snapshot {id}");
        await new Snapshotter(await OpenAsync(), TimeProvider.System).TakeAsync(new SnapshotRequest
        {
            App = "web",
            SnapshotId = id,
            Volumes = [new VolumePath("data", _scratch.At("source"))],
            JournalDirectory = _scratch.At("source-journal"),
            Final = final,
        }, null, Cancellation);
        _model[id] = TreeImage.Of(_scratch.At("source"));
    }

    private async Task RestoreAsync(string id, string target, int seed)
    {
        _history.Add($"restore {id} into {Path.GetFileName(target)}");
        var restorer = new Restorer(await OpenAsync(), TimeProvider.System);
        var volumes = System.Collections.Immutable.ImmutableArray.Create(new VolumePath("data", target));
        try
        {
            var request = new RestoreRequest { SnapshotId = id, Volumes = volumes, JournalDirectory = target + "-journal" };
            var before = TreeImage.Of(target);
            var preview = await restorer.PreviewAsync(request, null, Cancellation);
            before.RequireSameAs(TreeImage.Of(target), $"a preview of snapshot {id}");
            var restored = await restorer.RestoreAsync(request, null, Cancellation);

            // Of a file that gets another length the last block may be right already.
            Assert.InRange(preview.Figures.BytesShipped, restored.Figures.BytesShipped, restored.Figures.BytesShipped + preview.Changed.Names * LastBlock);
            var verified = await restorer.VerifyAsync(new VerifyRequest { SnapshotId = id, Volumes = volumes, JournalDirectory = target + "-journal" }, null, Cancellation);
            Assert.True(verified.Matches, string.Join('\n', verified.Differences));
            _model[id].RequireSameAs(TreeImage.Of(target), $"snapshot {id}");
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            throw new InvalidOperationException($"seed {seed}, after:\n{string.Join('\n', _history)}", error);
        }
    }

    /// <summary>Somebody else writes to a target between two restores.</summary>
    private void Disturb(string target, Random random)
    {
        var files = Directory.GetFiles(target, "*", SearchOption.AllDirectories).Where(path => new FileInfo(path) is { LinkTarget: null, Length: > 0 } info && (info.UnixFileMode & UnixFileMode.UserWrite) != 0
            && (File.GetAttributes(path) & (FileAttributes.Device | FileAttributes.System)) == 0).Order(StringComparer.Ordinal).ToList();
        if (files.Count == 0)
            return;
        var victim = files[random.Next(files.Count)];
        _history.Add($"somebody writes to {victim}");
        var before = File.GetLastWriteTimeUtc(victim);
        using (var file = File.OpenHandle(victim, FileMode.Open, FileAccess.Write))
            RandomAccess.Write(file, "disturbed"u8, random.NextInt64(RandomAccess.GetLength(file)));
        if (random.Next(2) == 0)
            File.SetLastWriteTimeUtc(victim, before);
    }

    private async Task ForgetAsync(string id)
    {
        _history.Add($"forget {id}");
        var forgetting = new SnapshotForgetting(await OpenAsync());
        await forgetting.ForgetAsync(await forgetting.PlanAsync([id], Cancellation), Cancellation);
        _model.Remove(id);
    }

    /// <summary>Without grace, so that all that is not needed now goes now, while a snapshot relies on what is stored, and perhaps another follows.</summary>
    private async Task PruneBesideASnapshotAsync(string id, RandomTree tree, Random random)
    {
        _history.AddRange(tree.Change(random.Next(8)));
        _history.Add("prune, beside:");
        var pruning = Task.Run(async () => await new Pruner(await OpenAsync()).RunAsync(new PruneRequest { Grace = TimeSpan.Zero }, null, Cancellation), Cancellation);
        await TakeAsync(id, final: false);
        await pruning;
        if (random.Next(2) == 0)
            await new Pruner(await OpenAsync()).RunAsync(new PruneRequest { Grace = TimeSpan.Zero }, null, Cancellation);
    }

    private string AnyKnown(Random random) => _model.Keys.ElementAt(random.Next(_model.Count));
}
