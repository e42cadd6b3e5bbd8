using System.Collections.Concurrent;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Rounds;

/// <summary>Who watches is told how much there is in all, as soon as that is known, and never something else.</summary>
public sealed class ProgressTests : IDisposable
{
    private const long MiB = 1 << 20;
    private readonly Workspace _workspace = new();
    private readonly Heard _heard = new();

    [Fact]
    public async Task A_restore_into_an_empty_directory_has_the_snapshots_bytes_to_go_through()
    {
        Source("head -c 20M /dev/urandom >file; truncate -s 30M sparse; : >empty");
        await _workspace.TakeAsync("one");
        await RestoreAsync("one");
        RequireEnd(50 * MiB);
    }

    [Theory]
    [InlineData(true, 20)]
    [InlineData(false, 40)]
    public async Task A_restore_in_place_has_the_files_to_go_through_that_may_differ(bool journal, int total)
    {
        Source("head -c 20M /dev/urandom >file; head -c 20M /dev/urandom >same");
        await _workspace.MoveAsync();
        Source("printf changed | dd of=file bs=1 seek=139264 conv=notrunc status=none");
        await _workspace.TakeAsync("two");
        if (!journal)
            Directory.Delete(_workspace.TargetJournal, recursive: true);
        await RestoreAsync("two");
        RequireEnd(total * MiB);
    }

    [Fact]
    public async Task More_than_was_expected_has_no_known_end()
    {
        Source("head -c 20M /dev/urandom >file; head -c 20M /dev/urandom >touched");
        await _workspace.MoveAsync();
        Source("printf changed | dd of=file bs=1 seek=139264 conv=notrunc status=none");
        await _workspace.TakeAsync("two");
        TreeComparison.Run("touch", Path.Combine(_workspace.Target, "touched"));
        await RestoreAsync("two");
        Assert.Equal((40 * MiB, null), (_heard.Last.BytesDone, _heard.Last.BytesTotal));
    }

    [Fact]
    public async Task A_verification_goes_through_all_bytes()
    {
        Source("head -c 20M /dev/urandom >file; truncate -s 30M sparse");
        await _workspace.MoveAsync();
        await new Restorer(await _workspace.RepositoryAsync(), TimeProvider.System).VerifyAsync(
            new VerifyRequest { SnapshotId = "s-1", Volumes = [new VolumePath("data", _workspace.Target)], JournalDirectory = _workspace.TargetJournal }, _heard, Workspace.Cancellation);
        RequireEnd(50 * MiB);
    }

    [Fact]
    public async Task A_snapshot_upon_another_has_its_names_to_go_through()
    {
        Source("mkdir d; for i in $(seq 20); do echo x >d/$i; done");
        await _workspace.TakeAsync("one");
        Source("echo more >more");
        await new Snapshotter(await _workspace.RepositoryAsync(), TimeProvider.System).TakeAsync(_workspace.Request("two"), _heard, Workspace.Cancellation);
        Assert.Contains(_heard.All, each => each is { EntriesTotal: 22, BytesTotal: null });
        Assert.All(_heard.All, each => Assert.True(each.EntriesTotal is null || each.EntriesDone <= each.EntriesTotal));
    }

    [Fact]
    public async Task A_first_snapshot_that_lasts_is_counted_beside_it()
    {
        Source("head -c 3M /dev/urandom >file; ln file again; truncate -s 1M sparse; mkdir d; head -c 5 /dev/urandom >d/five; mkdir -m 700 .relocate-reflinks; echo clone >.relocate-reflinks/clone");
        using var root = OpenDirectory.Open(_workspace.Source);
        var counters = new RoundCounters(TimeProvider.System, _heard);
        await using (SizeForecast.Start(counters, [root], null, null, new Hasty(), Workspace.Cancellation))
        {
            while (_heard.All.All(each => each.BytesTotal is null))
            {
                counters.Pass(1);
                await Task.Yield();
            }
        }

        Assert.Equal(4 * MiB + 5, _heard.Last.BytesTotal);
    }

    [Fact]
    public async Task Holes_count_as_gone_through()
    {
        Source("truncate -s 30M sparse; printf data | dd of=sparse bs=1 seek=9000000 conv=notrunc status=none; truncate -s 20M empty");
        await new Snapshotter(await _workspace.RepositoryAsync(), new Hasty()).TakeAsync(_workspace.Request("one"), _heard, Workspace.Cancellation);
        Assert.Equal(50 * MiB, _heard.Last.BytesDone);
    }

    public void Dispose() => _workspace.Dispose();

    private void RequireEnd(long total) => Assert.Equal((total, total), (_heard.Last.BytesDone, _heard.Last.BytesTotal));

    private async Task RestoreAsync(string id) => await new Restorer(await _workspace.RepositoryAsync(), TimeProvider.System).RestoreAsync(
        new RestoreRequest { SnapshotId = id, Volumes = [new VolumePath("data", _workspace.Target)], JournalDirectory = _workspace.TargetJournal }, _heard, Workspace.Cancellation);

    private void Source(string script)
    {
        var (code, output) = TreeComparison.Run("sh", "-c", $"cd '{_workspace.Source}' && {{ {script}; }}");
        Assert.True(code == 0, output);
    }

    private sealed class Heard : IProgress<ActivityProgress>
    {
        public ConcurrentQueue<ActivityProgress> All { get; } = [];

        public ActivityProgress Last => All.MaxBy(each => (each.BytesDone, each.EntriesDone))!;

        public void Report(ActivityProgress value) => All.Enqueue(value);
    }

    /// <summary>Whatever is waited for is due at once, and a second passes whenever somebody looks.</summary>
    private sealed class Hasty : TimeProvider
    {
        private long _looks;

        public override long GetTimestamp() => Interlocked.Increment(ref _looks) * TimestampFrequency;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
