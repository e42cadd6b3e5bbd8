using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Tests.Fixtures;

/// <summary>A temporary directory with a repository, a source and a target volume; removed at the end.</summary>
internal sealed class Workspace : IDisposable
{
    public const string Passphrase = "correct horse";
    private Repository? _repository;
    private int _next;

    /// <param name="root">An empty directory to use instead of a new one: another file system.</param>
    public Workspace(string? root = null)
    {
        Root = root ?? Directory.CreateTempSubdirectory("data-tests-").FullName;
        KeyFile = Path.Combine(Root, "key");
        RepositoryKey.CreateKeyFile(KeyFile);
        foreach (var directory in new[] { Source, Target })
            Directory.CreateDirectory(directory);
    }

    public string Root { get; }

    public string KeyFile { get; }

    public string Store => Path.Combine(Root, "repo");

    public string Source => Path.Combine(Root, "source");

    public string Target => Path.Combine(Root, "target");

    public string SourceJournal => Path.Combine(Root, "source-journal");

    public string TargetJournal => Path.Combine(Root, "target-journal");

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async Task<Repository> RepositoryAsync()
        => _repository ??= await Repository.InitializeAsync(DirectoryObjectStore.Open(Store), RepositoryKey.FromKeyFile(KeyFile), Cancellation);

    public Task<Repository> ReopenAsync() => Repository.OpenAsync(DirectoryObjectStore.Open(Store), RepositoryKey.FromKeyFile(KeyFile), Cancellation);

    /// <summary>The repository as another process sees it.</summary>
    public async Task<Repository> ReopenedAfterInitAsync()
    {
        await RepositoryAsync();
        return await ReopenAsync();
    }

    public SnapshotRequest Request(string? id = null, bool final = false, params string[] compareInFull) => new()
    {
        App = "web",
        SnapshotId = id ?? $"s-{++_next}",
        Volumes = [new VolumePath("data", Source)],
        JournalDirectory = SourceJournal,
        Final = final,
        CompareInFull = [.. compareInFull],
    };

    public async Task<SnapshotTaken> TakeAsync(string? id = null, bool final = false, params string[] compareInFull)
        => await new Snapshotter(await RepositoryAsync(), TimeProvider.System).TakeAsync(Request(id, final, compareInFull), null, Cancellation);

    public async Task<SnapshotRestored> RestoreAsync(string id)
        => await new Restorer(await RepositoryAsync(), TimeProvider.System).RestoreAsync(
            new RestoreRequest { SnapshotId = id, Volumes = [new VolumePath("data", Target)], JournalDirectory = TargetJournal }, null, Cancellation);

    public async Task<TreeVerified> VerifyAsync(string id)
        => await new Restorer(await RepositoryAsync(), TimeProvider.System).VerifyAsync(
            new VerifyRequest { SnapshotId = id, Volumes = [new VolumePath("data", Target)], JournalDirectory = TargetJournal }, null, Cancellation);

    /// <summary>Snapshot, restore, verify, and an independent comparison of both trees.</summary>
    public async Task<(SnapshotTaken Taken, SnapshotRestored Restored)> MoveAsync(bool final = false)
    {
        var taken = await TakeAsync(final: final);
        var restored = await RestoreAsync(taken.SnapshotId);
        var verified = await VerifyAsync(taken.SnapshotId);
        Assert.True(verified.Matches, string.Join("; ", verified.Differences));
        Assert.Equal(taken.RootHash, verified.RootHash);
        TreeComparison.RequireEqual(Source, Target);
        return (taken, restored);
    }

    public string In(string directory, string name) => Path.Combine(directory, name);

    // rm, because the names of some files are no UTF-8.
    public void Dispose() => TreeComparison.Run("rm", "-rf", Root);
}
