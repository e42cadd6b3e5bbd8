using System.Collections.Concurrent;
using System.Security.Cryptography;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Retention;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.Snapshots.Tests.Fixtures;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Snapshots.Tests.Retention;

/// <summary>
/// Snapshots, restores, forgets and prunes at once, on one store, each from a process of its own that is killed now and then: whatever happens,
/// every listed snapshot restores, also while the others go on.
/// </summary>
public sealed class InterleavingTests : IDisposable
{
    private readonly Workspace _workspace = new();
    private readonly MemoryObjectStore _store = new();
    private readonly ConcurrentDictionary<string, string> _expected = new();
    private readonly ConcurrentQueue<string> _log = new();
    private readonly ConcurrentDictionary<string, int> _counts = new();
    private static readonly string[] Kinds = ["sealed", "pruned", "forgotten", "restored", "killed", "deleted"];

    private int _next, _seed, _enough, _pruning;
    private bool _isLast;
    private CancellationTokenSource? _stop;

    [Fact]
    public async Task Whatever_is_killed_when_every_listed_snapshot_restores()
    {
        var isLong = Environment.GetEnvironmentVariable("RELOCATE_TEST_LONG") is { Length: > 0 };
        var seed = int.TryParse(Environment.GetEnvironmentVariable("RELOCATE_TEST_SEED"), out var given) ? given : Environment.TickCount;
        _seed = seed;
        await Repository.InitializeAsync(_store, Key(), Workspace.Cancellation);
        var rounds = isLong ? 40 : 3;
        for (var round = 0; round < rounds; round++)
        {
            // The limit is for a loop that hangs; a round ends when enough was done, however long a busy machine takes.
            using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            (_enough, _stop) = ((round + 1) * (isLong ? 250 : 100), stop);
            _isLast = round == rounds - 1;
            var random = new Random(seed + round);
            var tasks = new List<Task>();
            for (var i = 0; i < 3; i++)
                tasks.Add(LoopAsync(i, new Random(random.Next()), SnapshotAsync, stop.Token));

            // Two at once mostly take each other's place; one alone gets further.
            for (var i = 0; i < 1 + round % 2; i++)
                tasks.Add(LoopAsync(i, new Random(random.Next()), PruneAsync, stop.Token));
            tasks.Add(LoopAsync(0, new Random(random.Next()), ForgetAsync, stop.Token));
            for (var i = 0; i < 2; i++)
                tasks.Add(LoopAsync(i, new Random(random.Next()), RestoreAsync, stop.Token));
            try
            {
                await Task.WhenAll(tasks);
                Assert.True(_counts.GetValueOrDefault("sealed") >= _enough, $"seed {seed}, round {round}: too little was done in a minute: {Counts()}");
                await AllRestoreAsync();

                // When everybody has ended, or is given up, nothing is in the way of a prune.
                _store.Advance(TimeSpan.FromHours(100));
                var repository = await OpenAsync(_store);

                // What a verdict spared, and nothing needs since, is condemned anew.
                for (var i = 0; i < 2; i++)
                    await new Pruner(repository).RunAsync(new() { Grace = TimeSpan.Zero }, null, Workspace.Cancellation);
                var last = await new Pruner(repository).RunAsync(new() { Grace = TimeSpan.Zero }, null, Workspace.Cancellation);
                Assert.Empty(last.Waiting);
                Assert.Equal(0, last.Condemned);
                await AllRestoreAsync();
            }
            catch (Exception error) when (error is not Xunit.Sdk.IAssertionException)
            {
                Assert.Fail($"seed {seed}, round {round}: {error}\n{string.Join('\n', _log.TakeLast(60))}");
            }
        }

        // It was not by doing nothing that nothing went wrong.
        Assert.All(Kinds, what => Assert.True(_counts.GetValueOrDefault(what) > 0, $"seed {seed}: nothing was {what}; {Counts()}\n{string.Join('\n', _log.Where(line => line.StartsWith("prune", StringComparison.Ordinal)).TakeLast(20))}"));
        TestContext.Current.SendDiagnosticMessage($"seed {seed}: {Counts()}");
    }

    public void Dispose() => _workspace.Dispose();

    /// <summary>A process does some things in a row, with what it remembers from one to the next, until it is killed; then there is another one.</summary>
    private async Task LoopAsync(int who, Random random, Func<Repository, int, Random, Task> act, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var store = new KillableStore(_store, new Random(random.Next()), random.Next(3) == 0 ? int.MaxValue : random.Next(5, 150));
            try
            {
                var repository = await OpenAsync(store);
                for (var i = random.Next(1, 6); i > 0 && !stop.IsCancellationRequested; i--)
                    await act(repository, who, random);
            }
            catch (Exception error) when (IsKill(error))
            {
                Count("killed");
            }
        }
    }

    private async Task SnapshotAsync(Repository repository, int who, Random random)
    {
        // Beside three that seal without a pause a prune may be put off for ever, and the more is stored the longer it looks. When enough was sealed, none begins while one looks; those
        // that are under way go on.
        while (_counts.GetValueOrDefault("sealed") >= _enough && Volatile.Read(ref _pruning) > 0 && !_stop!.IsCancellationRequested)
            await Task.Delay(1, Workspace.Cancellation);
        var source = Directory.CreateDirectory(Path.Combine(_workspace.Root, $"source-{who}")).FullName;
        Mutate(source, random);
        var id = $"s-{who}-{Interlocked.Increment(ref _next)}";
        _expected[id] = Describe(source);
        _log.Enqueue($"{id} begins");
        try
        {
            await new Snapshotter(repository, TimeProvider.System).TakeAsync(new SnapshotRequest
            {
                App = $"app-{who}",
                SnapshotId = id,
                Volumes = [new VolumePath("data", source)],
                JournalDirectory = Path.Combine(_workspace.Root, $"journal-{who}"),
                Memory = 64L << 20,
            }, null, Workspace.Cancellation);
            Count("sealed");
            _log.Enqueue($"{id} sealed");
        }
        catch (RelocateException error) when (error.Message.Contains("given up", StringComparison.Ordinal))
        {
            Count("given up");
        }
    }

    private async Task PruneAsync(Repository repository, int who, Random random)
    {
        // Sometimes all who are at work are believed dead, though they are not.
        var timeout = random.Next(5) == 0 ? TimeSpan.Zero : TimeSpan.FromHours(72);
        await Task.Delay(random.Next(60), Workspace.Cancellation);

        // A day between two prunes: what the killed ones left is in the way of three of them at most.
        _store.Advance(TimeSpan.FromHours(25));
        Interlocked.Increment(ref _pruning);
        try
        {
            var outcome = await new Pruner(repository).RunAsync(new() { Grace = TimeSpan.Zero, WriterTimeout = timeout }, null, Workspace.Cancellation);
            Count("pruned");
            Count("deleted", outcome.Deleted);
            Count("rescued", outcome.Rescued);
            _log.Enqueue($"prune {who}: {outcome.Condemned} condemned, {outcome.Deleted} deleted, {outcome.Rescued} rescued, waiting for {string.Join("; ", outcome.Waiting)}");
        }
        catch (RelocateException error) when (error.Message.Contains("run it again", StringComparison.Ordinal))
        {
            Count("taken over");
        }
        finally
        {
            Interlocked.Decrement(ref _pruning);
        }
    }

    private async Task ForgetAsync(Repository repository, int who, Random random)
    {
        var ids = new List<string>();
        await foreach (var manifest in repository.Snapshots.ListAsync(Workspace.Cancellation))
            ids.Add(manifest.Id);
        if (ids.Count < 4)
            return;
        string[] some = [.. ids.OrderBy(_ => random.Next()).Take(random.Next(1, ids.Count - 2))];
        var forgetting = new SnapshotForgetting(repository);
        await forgetting.ForgetAsync(await forgetting.PlanAsync(some, Workspace.Cancellation), Workspace.Cancellation);
        Count("forgotten", some.Length);
        _log.Enqueue($"forgot {string.Join(' ', some)}");
    }

    private async Task RestoreAsync(Repository repository, int who, Random random)
    {
        var ids = new List<string>();
        await foreach (var manifest in repository.Snapshots.ListAsync(Workspace.Cancellation))
            ids.Add(manifest.Id);
        if (ids.Count == 0)
            return;
        var id = ids[random.Next(ids.Count)];
        try
        {
            await RestoreAsync(repository, id, Path.Combine(_workspace.Root, $"target-{who}"));
            Count("restored");
        }
        catch (RelocateException) when (_store.HeadAsync("snapshots/" + id, default).GetAwaiter().GetResult() is null)
        {
            // It was forgotten meanwhile, and there is no grace period.
            Count("forgotten during a restore");
        }
        catch (ObjectStoreException) when (_store.HeadAsync("snapshots/" + id, default).GetAwaiter().GetResult() is null)
        {
            Count("forgotten during a restore");
        }
    }

    private async Task RestoreAsync(Repository repository, string id, string target)
    {
        Directory.CreateDirectory(target);
        await new Restorer(repository, TimeProvider.System).RestoreAsync(
            new RestoreRequest { SnapshotId = id, Volumes = [new VolumePath("data", target)], JournalDirectory = target + "-journal" }, null, Workspace.Cancellation);
        Assert.True(_expected[id] == Describe(target), $"seed {_seed}: {id} was restored, but not as it was\n{string.Join('\n', _log.TakeLast(60))}");
    }

    private async Task AllRestoreAsync()
    {
        var repository = await OpenAsync(_store);
        var found = await new RepositoryChecker(repository).CheckAsync(true, Workspace.Cancellation);
        Assert.True(found.Problems.IsEmpty, $"seed {_seed}: {string.Join('\n', found.Problems)}\n{string.Join('\n', _log.TakeLast(60))}");
        await foreach (var manifest in repository.Snapshots.ListAsync(Workspace.Cancellation))
            await RestoreAsync(repository, manifest.Id, Path.Combine(_workspace.Root, "target-all"));
    }

    /// <summary>A few files with contents from a small pool, so that what was condemned comes back again and again.</summary>
    private static void Mutate(string source, Random random)
    {
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var path = Path.Combine(source, $"file-{random.Next(5)}");
            if (random.Next(5) == 0)
            {
                File.Delete(path);
                continue;
            }

            var content = new byte[30_000];
            new Random(random.Next(12)).NextBytes(content);
            if (random.Next(4) == 0)
                random.NextBytes(content.AsSpan(8192, 100));
            File.WriteAllBytes(path, content);
        }
    }

    private static string Describe(string directory)
        => string.Join('\n', Directory.GetFiles(directory).Order(StringComparer.Ordinal).Select(f => $"{Path.GetFileName(f)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f)))}"));

    private static bool IsKill(Exception? error)
        => error is KilledException || (error is AggregateException many && many.InnerExceptions.Any(IsKill)) || (error?.InnerException is { } inner && IsKill(inner));

    private Task<Repository> OpenAsync(IObjectStore store) => Repository.OpenAsync(store, Key(), Workspace.Cancellation);

    private RepositoryKey Key() => RepositoryKey.FromKeyFile(_workspace.KeyFile);

    private string Counts() => string.Join(", ", _counts.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Value} {c.Key}"));

    private void Count(string what, int times = 1)
    {
        _counts.AddOrUpdate(what, times, (_, count) => count + times);

        // Enough snapshots in each round; and in the last one, everything at least once.
        if (_counts.GetValueOrDefault("sealed") >= _enough && (!_isLast || Kinds.All(kind => _counts.GetValueOrDefault(kind) > 0)))
            _stop!.Cancel();
    }
}
