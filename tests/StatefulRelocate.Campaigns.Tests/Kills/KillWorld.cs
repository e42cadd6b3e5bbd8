using System.Diagnostics;
using StatefulRelocate.Campaigns.Tests.Programs;
using StatefulRelocate.Campaigns.Tests.Trees;
using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Campaigns.Tests.Kills;

/// <summary>A repository in a directory or on MinIO, a source that changes, and the program, which is killed now and then.</summary>
internal sealed class KillWorld : IAsyncDisposable
{
    private readonly Scratch _scratch = new();
    private readonly Dictionary<string, TreeImage> _model = new(StringComparer.Ordinal);
    private readonly Random _random;
    private readonly RandomTree _tree;
    private MinioServer? _minio;

    private KillWorld(Random random)
    {
        _random = random;
        _tree = new RandomTree(Source, random);
    }

    public string Url { get; private set; } = "";

    public string Source => _scratch.At("source");

    public string Target => _scratch.At("target");

    /// <summary>What each sealed snapshot holds, as an independent reader saw it when it was taken.</summary>
    public IReadOnlyDictionary<string, TreeImage> Model => _model;

    /// <summary>Snapshots that somebody has begun to forget: they may be listed or not.</summary>
    public HashSet<string> Forgettable { get; } = new(StringComparer.Ordinal);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<KillWorld> CreateAsync(string place, Random random)
    {
        var world = new KillWorld(random);
        try
        {
            if (place == "minio")
            {
                MinioServer.SetCredentials();
                world._minio = await MinioServer.StartAsync(world._scratch.Make("minio"));
                world.Url = $"s3://{MinioServer.Bucket}/repo?endpoint={world._minio.Endpoint}&region=us-east-1";
            }
            else
            {
                world.Url = $"dir:{world._scratch.At("repo")}";
            }

            world._tree.Change(30);
            await world.MustAsync("repo", "init");
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    /// <summary>Changes the source, and rewrites enough of it that a round takes a while.</summary>
    public void Change()
    {
        _tree.Change(6);
        var bulk = new byte[4 << 20];
        for (var file = 0; file < 4; file++)
        {
            _random.NextBytes(bulk);
            File.WriteAllBytes(Path.Combine(Source, $"bulk-{file}"), bulk);
        }
    }

    public async Task<TimeSpan> MustAsync(params string[] arguments)
    {
        var began = Stopwatch.GetTimestamp();
        var result = await RelocateProgram.RunAsync(RelocateProgram.Path, All(arguments), Environment);
        Assert.True(result.ExitCode == 0, $"relocate {string.Join(' ', arguments)}: {result}");
        return Stopwatch.GetElapsedTime(began);
    }

    /// <summary>Starts the program and kills it after that time; whether it was still running.</summary>
    public async Task<bool> KillAsync(TimeSpan after, params string[] arguments)
    {
        using var process = RelocateProgram.Start(RelocateProgram.Path, All(arguments), Environment);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(Cancellation), process.StandardError.ReadToEndAsync(Cancellation));
        // An instant by chance is the point here; nothing is waited for.
        await Task.Delay(after, Cancellation);
        var killed = !process.HasExited && Posix.Kill(process.Id, 9) == 0;
        await process.WaitForExitAsync(Cancellation);
        if (process.ExitCode is 0 or 137)
            return killed;
        Assert.Fail($"relocate {string.Join(' ', arguments)} failed before it was killed: exit code {process.ExitCode}\n{await output}\n{await errors}");
        return false;
    }

    /// <summary>The check is clean; snapshots that came since are known by what the source holds now.</summary>
    public async Task RequireSoundAsync(string when)
    {
        var repository = await OpenAsync();
        var check = await new RepositoryChecker(repository).CheckAsync(true, Cancellation);
        Assert.True(check.Problems.IsEmpty, $"{when}: {string.Join('\n', check.Problems)}");
        var listed = await ListedAsync();
        var lost = _model.Keys.Except(listed).Except(Forgettable).ToList();
        Assert.True(lost.Count == 0, $"{when}: lost {string.Join(", ", lost)}");
        TreeImage? now = null;
        foreach (var id in listed.Where(id => !_model.ContainsKey(id)))
            _model[id] = now ??= TreeImage.Of(Source);
    }

    /// <summary>Forgets all but the newest and prunes: what is read after each round does not grow, so that all of it can be read.</summary>
    public async Task KeepAsync(int newest)
    {
        var old = (await ListedAsync()).SkipLast(newest).ToList();
        if (old.Count == 0)
            return;
        Forgettable.UnionWith(old);
        await MustAsync(["snapshot", "forget", .. old]);
        for (var i = 0; i < 2; i++)
            await MustAsync("snapshot", "prune", "--grace", "0s");
        old.ForEach(id => _model.Remove(id));
    }

    /// <summary>Snapshots that are listed, restored elsewhere, are bit for bit what was saved.</summary>
    public async Task RequireRestorableAsync(string when, int most)
    {
        var listed = await ListedAsync();
        foreach (var id in listed.OrderByDescending(id => id == listed[^1]).ThenBy(_ => _random.Next()).Take(most))
        {
            var fresh = _scratch.Make("fresh");
            await new Restorer(await OpenAsync(), TimeProvider.System).RestoreAsync(
                new RestoreRequest { SnapshotId = id, Volumes = [new VolumePath("data", fresh)], JournalDirectory = _scratch.At("fresh-journal") }, null, Cancellation);
            _model[id].RequireSameAs(TreeImage.Of(fresh), $"{when}: {id}");
            Scratch.Remove(fresh);
            Scratch.Remove(_scratch.At("fresh-journal"));
        }
    }

    public void RequireTarget(string id, string when) => _model[id].RequireSameAs(TreeImage.Of(Target), when);

    public async Task<int> UnusedPacksAsync() => (await new RepositoryChecker(await OpenAsync()).CheckAsync(false, Cancellation)).UnusedPacks;

    public async Task<List<string>> ListedAsync()
        => [.. (await (await OpenAsync()).Snapshots.ListAsync(Cancellation).ToListAsync(Cancellation)).OrderBy(m => m.CreatedAt).Select(m => m.Id)];

    public ValueTask DisposeAsync()
    {
        _minio?.Dispose();
        _scratch.Dispose();
        return ValueTask.CompletedTask;
    }

    private Dictionary<string, string> Environment => new() { ["RELOCATE_STATE"] = _scratch.At("state"), ["RELOCATE_CONFIG"] = _scratch.At("no-config.yaml"), ["TMPDIR"] = _scratch.Make("tmp") };

    private string[] All(string[] arguments) => [.. arguments, "--repo", Url, "--key-file", _scratch.KeyFile];

    private Task<Repository> OpenAsync() => Repository.OpenAsync(ObjectStoreUrl.Open(Url), _scratch.Key, Cancellation);
}
