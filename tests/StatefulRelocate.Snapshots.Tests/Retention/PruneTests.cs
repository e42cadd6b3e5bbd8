using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Snapshots.Leases;
using StatefulRelocate.Snapshots.Retention;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.Snapshots.Tests.Fixtures;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Snapshots.Tests.Retention;

public sealed class PruneTests : IDisposable
{
    private static readonly PruneRequest s_atOnce = new() { Grace = TimeSpan.Zero };
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task What_only_forgotten_snapshots_needed_is_deleted_and_the_rest_restores()
    {
        Write("old", 1);
        await _workspace.TakeAsync("one");
        File.Delete(Path.Combine(_workspace.Source, "old"));
        Write("new", 2);
        await _workspace.TakeAsync("two");
        await ForgetAsync("one");
        var before = Files("packs").Length;
        var outcome = await PruneAsync(s_atOnce);
        Assert.True(outcome.Deleted > 0 && outcome.DeletedBytes > 300_000, outcome.ToString());
        Assert.True(Files("packs").Length < before);
        Assert.Empty(Files("prune"));
        Assert.Empty(Files("writers"));
        await CheckAndRestoreAsync("two");
        Assert.Equal(0, (await PruneAsync(s_atOnce)).Deleted);
    }

    [Fact]
    public async Task Nothing_is_deleted_before_the_grace_period_of_the_store_has_passed()
    {
        Write("file", 1);
        await _workspace.TakeAsync("one");
        await ForgetAsync("one");
        var clock = new ShiftedStore((await _workspace.RepositoryAsync()).Store);
        var repository = await Repository.OpenAsync(clock, Keys.RepositoryKey.FromKeyFile(_workspace.KeyFile), Workspace.Cancellation);
        Assert.Equal(0, (await new Pruner(repository).RunAsync(new(), null, Workspace.Cancellation)).Condemned);
        clock.Shift = TimeSpan.FromHours(25);
        var first = await new Pruner(repository).RunAsync(new(), null, Workspace.Cancellation);
        Assert.True(first.Condemned > 0);

        clock.Shift = TimeSpan.FromHours(48);
        var second = await new Pruner(repository).RunAsync(new(), null, Workspace.Cancellation);
        Assert.Equal(0, second.Deleted);
        Assert.Contains("grace", string.Join(' ', second.Waiting), StringComparison.Ordinal);
        clock.Shift = TimeSpan.FromHours(50);
        Assert.Equal(first.Condemned, (await new Pruner(repository).RunAsync(new(), null, Workspace.Cancellation)).Deleted);
        Assert.Empty(Files("packs"));
    }

    [Fact]
    public async Task A_writer_at_work_is_waited_for_and_a_dead_one_given_up_after_its_time()
    {
        Write("file", 1);
        await _workspace.TakeAsync("one");
        await ForgetAsync("one");
        var clock = new ShiftedStore((await _workspace.RepositoryAsync()).Store);
        var repository = await Repository.OpenAsync(clock, Keys.RepositoryKey.FromKeyFile(_workspace.KeyFile), Workspace.Cancellation);
        var journal = Directory.CreateDirectory(Path.Combine(_workspace.Root, "another-journal")).FullName;
        await WriterAnnouncement.BeginAsync(repository, "stuck", null, journal, Workspace.Cancellation);
        var outcome = await new Pruner(repository).RunAsync(s_atOnce, null, Workspace.Cancellation);
        Assert.Equal(0, outcome.Deleted);
        Assert.Contains("'stuck'", outcome.Waiting.Single(), StringComparison.Ordinal);
        clock.Shift = TimeSpan.FromHours(73);
        outcome = await new Pruner(repository).RunAsync(s_atOnce, null, Workspace.Cancellation);
        Assert.Contains("'stuck'", outcome.GivenUp.Single(), StringComparison.Ordinal);
        Assert.True(outcome.Deleted > 0);
        await Assert.ThrowsAsync<RelocateException>(() => repository.Snapshots.FindAsync("stuck", Workspace.Cancellation));
    }

    [Fact]
    public async Task A_snapshot_that_ran_while_its_blocks_were_condemned_rescues_them()
    {
        Write("file", 1);
        await _workspace.TakeAsync("one");
        var repository = await _workspace.RepositoryAsync();
        Directory.Delete(_workspace.SourceJournal, recursive: true);
        PruneOutcome? during = null;
        await new Snapshotter(await _workspace.ReopenAsync(), TimeProvider.System).TakeAsync(_workspace.Request("two"), new Once(() =>
        {
            // It has announced itself, and has found the blocks stored.
            ForgetAsync("one").GetAwaiter().GetResult();
            during = new Pruner(repository).RunAsync(s_atOnce, null, default).GetAwaiter().GetResult();
        }), Workspace.Cancellation);
        Assert.True(during!.Condemned > 0);
        Assert.Equal(0, during.Deleted);
        var after = await PruneAsync(s_atOnce);
        Assert.True(after.Rescued > 0, after.ToString());
        await CheckAndRestoreAsync("two");
    }

    [Fact]
    public async Task A_dry_run_changes_nothing()
    {
        Write("file", 1);
        await _workspace.TakeAsync("one");
        await ForgetAsync("one");
        var before = Everything();
        var outcome = await PruneAsync(s_atOnce with { DryRun = true });
        Assert.True(outcome.Condemned > 0 && outcome.CondemnedBytes > 300_000);
        Assert.Equal(before, Everything());
    }

    [Fact]
    public async Task With_a_damaged_snapshot_nothing_is_deleted()
    {
        Write("file", 1);
        await _workspace.TakeAsync("one");
        Write("other", 2);
        await _workspace.TakeAsync("two");
        await ForgetAsync("one");
        File.Delete(Files("index").First());
        var packs = Files("packs");
        await Assert.ThrowsAsync<Keys.DamageException>(() => PruneAsync(s_atOnce));
        Assert.Equal(packs, Files("packs"));
    }

    [Fact]
    public async Task Small_index_objects_become_one()
    {
        for (var i = 0; i < 9; i++)
        {
            Write($"file-{i}", i);
            await _workspace.TakeAsync($"s-{i:00}");
        }

        Assert.Equal(9, Files("index").Length);
        Assert.Equal(9, (await PruneAsync(s_atOnce)).IndexObjectsMerged);
        Assert.Single(Files("index"));
        Write("later", 77);
        await _workspace.TakeAsync("last");
        await CheckAndRestoreAsync("last");
    }

    [Fact]
    public async Task A_later_prune_takes_an_earlier_ones_place_and_that_one_cannot_change_the_index_any_more()
    {
        Write("file", 1);
        await _workspace.TakeAsync("one");
        var repository = await _workspace.RepositoryAsync();
        var earlier = await PruneAnnouncement.BeginAsync(repository, 4, Workspace.Cancellation);
        await PruneAsync(s_atOnce);
        await Assert.ThrowsAsync<RelocateException>(() => earlier.PutIndexAsync(new byte[100], Workspace.Cancellation));
        await CheckAndRestoreAsync("one");
    }

    [Fact]
    public async Task Snapshots_of_an_open_relocation_are_never_forgotten()
    {
        var repository = await _workspace.RepositoryAsync();
        await new WriterRecordStore(repository).SwapAsync(null, new WriterRecord { App = "web", Epoch = 1, Writer = "a", RelocationId = "r-1", ChangeId = "c" }, Workspace.Cancellation);
        Write("file", 1);
        foreach (var (id, relocation) in new[] { ("r-1-1", "r-1"), ("r-0-1", "r-0"), ("later", null) })
            await new Snapshotter(repository, TimeProvider.System).TakeAsync(_workspace.Request(id) with { RelocationId = relocation }, null, Workspace.Cancellation);
        var forgetting = new SnapshotForgetting(repository);
        var decisions = await forgetting.PlanAsync(new RetentionPolicy { Last = 1 }, _ => true, Workspace.Cancellation);
        Assert.Equal(["later: last", "r-0-1: ", "r-1-1: relocation r-1 is open"], decisions.Select(d => $"{d.Snapshot.Id}: {string.Join(',', d.Reasons)}").Order(StringComparer.Ordinal));
        await forgetting.ForgetAsync(decisions, Workspace.Cancellation);
        Assert.Equal(["later", "r-1-1"], Files("snapshots").Select(Path.GetFileName));
        Assert.Contains("open", (await Assert.ThrowsAsync<RelocateException>(() => forgetting.PlanAsync(["r-1-1"], Workspace.Cancellation))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<RelocateException>(() => forgetting.PlanAsync(new RetentionPolicy(), _ => true, Workspace.Cancellation));
        await Assert.ThrowsAsync<RelocateException>(() => forgetting.PlanAsync(["nothing"], Workspace.Cancellation));
    }

    public void Dispose() => _workspace.Dispose();

    private async Task<PruneOutcome> PruneAsync(PruneRequest request) => await new Pruner(await _workspace.RepositoryAsync()).RunAsync(request, null, Workspace.Cancellation);

    private async Task ForgetAsync(string id)
    {
        var forgetting = new SnapshotForgetting(await _workspace.RepositoryAsync());
        await forgetting.ForgetAsync(await forgetting.PlanAsync([id], default), default);
    }

    private async Task CheckAndRestoreAsync(string id)
    {
        var report = await new RepositoryChecker(await _workspace.ReopenAsync()).CheckAsync(true, Workspace.Cancellation);
        Assert.Empty(report.Problems);
        await _workspace.RestoreAsync(id);
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    private string[] Files(string kind)
        => Directory.Exists(Path.Combine(_workspace.Store, kind)) ? [.. Directory.GetFiles(Path.Combine(_workspace.Store, kind)).Order(StringComparer.Ordinal)] : [];

    private string Everything()
        => string.Join('\n', Directory.GetFiles(_workspace.Store, "*", SearchOption.AllDirectories).Select(f => $"{f} {File.GetLastWriteTimeUtc(f):o}").Order(StringComparer.Ordinal));

    private void Write(string name, int seed)
    {
        var content = new byte[400_000];
        new Random(seed).NextBytes(content);
        File.WriteAllBytes(Path.Combine(_workspace.Source, name), content);
    }

    private sealed class Once(Action act) : IProgress<Core.Activities.ActivityProgress>
    {
        private int _done;

        public void Report(Core.Activities.ActivityProgress value)
        {
            if (Interlocked.Exchange(ref _done, 1) == 0)
                act();
        }
    }

    /// <summary>A store whose own clock can be put forward.</summary>
    private sealed class ShiftedStore(IObjectStore store) : PassingStore(store)
    {
        private readonly System.Collections.Concurrent.ConcurrentDictionary<string, TimeSpan> _shifts = new();

        public TimeSpan Shift { get; set; }

        public override Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
        {
            _shifts.TryAdd(name, Shift);
            return base.PutAsync(name, content, condition, cancellationToken);
        }

        public override async Task<ObjectHead?> HeadAsync(string name, CancellationToken cancellationToken)
            => await base.HeadAsync(name, cancellationToken) is { } head ? head with { LastModified = head.LastModified + _shifts.GetValueOrDefault(name) } : null;

        public override async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await foreach (var found in base.ListAsync(prefix, cancellationToken))
                yield return found with { LastModified = found.LastModified + _shifts.GetValueOrDefault(found.Name) };
        }

        public override async Task<DateTimeOffset> ServerTimeAsync(CancellationToken cancellationToken) => await base.ServerTimeAsync(cancellationToken) + Shift;
    }
}
