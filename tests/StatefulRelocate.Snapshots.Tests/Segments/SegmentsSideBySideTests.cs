using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Memory;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Segments;

/// <summary>What one worker read lies side by side in a pack, as far as the memory allows.</summary>
public sealed class SegmentsSideBySideTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData(64, 2, 16, 4)]
    [InlineData(64, 16, 16, 1)]
    [InlineData(128, 16, 16, 16)]
    [InlineData(256, 4, 16, 16)]
    [InlineData(256, 4, 4, 4)]
    public void More_segments_are_held_only_where_two_packs_have_their_place_beside_them(int mebibytes, int workers, int most, int together)
    {
        Assert.Equal(together, SourceRound.SegmentsTogether((long)mebibytes << 20, workers, most));
        Assert.True(together == 1 || SourceRound.SegmentMemory(workers, together) + (2 * PackWriter.BufferLength) + (28L << 20) <= (long)mebibytes << 20);
    }

    [Fact]
    public async Task A_chunk_comes_back_by_one_range_of_each_pack_that_holds_some_of_it()
    {
        // Incompressible, so that segments are as long as they get; larger than a pack.
        Write(24 << 20);
        var store = new CountedStore();
        var repository = await Repository.InitializeAsync(store, RepositoryKey.FromKeyFile(_workspace.KeyFile), Workspace.Cancellation);
        await TakeAsync(repository, 256L << 20);
        store.Ranges = 0;

        await RestoreAsync(repository);

        // Six chunks; a pack ends within one of them at most.
        Assert.InRange(store.Ranges, 6, 7);
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    [Fact]
    public async Task With_the_least_memory_segments_that_do_not_fit_a_pack_go_on_in_the_next()
    {
        Write(40 << 20);
        var repository = await Repository.InitializeAsync(new MemoryObjectStore(), RepositoryKey.FromKeyFile(_workspace.KeyFile), Workspace.Cancellation);

        await TakeAsync(repository, MemoryBudget.Least);
        await RestoreAsync(repository);

        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    private void Write(int length)
    {
        var content = new byte[length];
        new Random(4).NextBytes(content);
        File.WriteAllBytes(Path.Combine(_workspace.Source, "file"), content);
    }

    private Task<SnapshotTaken> TakeAsync(Repository repository, long memory) =>
        new Snapshotter(repository, TimeProvider.System).TakeAsync(_workspace.Request("one") with { Memory = memory }, null, Workspace.Cancellation);

    private Task<SnapshotRestored> RestoreAsync(Repository repository) => new Restorer(repository, TimeProvider.System).RestoreAsync(
        new RestoreRequest { SnapshotId = "one", Volumes = [new VolumePath("data", _workspace.Target)], JournalDirectory = _workspace.TargetJournal }, null, Workspace.Cancellation);

    private sealed class CountedStore() : PassingStore(new MemoryObjectStore())
    {
        private int _ranges;

        public int Ranges
        {
            get => _ranges;
            set => _ranges = value;
        }

        public override Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            // Headers and tables are short.
            if (name.StartsWith("packs/", StringComparison.Ordinal) && destination.Length >= PackWriter.SegmentLength)
                Interlocked.Increment(ref _ranges);
            return base.GetRangeAsync(name, offset, destination, cancellationToken);
        }
    }
}
