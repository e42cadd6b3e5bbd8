using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Rounds;

/// <summary>What a request can ask for.</summary>
public sealed class RequestTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task Several_volumes_are_one_snapshot_round_after_round()
    {
        foreach (var volume in new[] { "a", "b", "c" })
        {
            Directory.CreateDirectory(_workspace.In(_workspace.Source, volume));
            Directory.CreateDirectory(_workspace.In(_workspace.Target, volume));
        }

        var random = new Random(1);
        Write("a/x", 5 << 20, random);
        Write("a/z", 1000, random);
        Write("b/x", 1000, random);
        Write("c/y", 200_000, random);
        await MoveVolumesAsync("one");
        File.Delete(_workspace.In(_workspace.Source, "a/z"));
        File.Delete(_workspace.In(_workspace.Source, "c/y"));
        Write("b/a", 300_000, random);
        await MoveVolumesAsync("two");
        File.Move(_workspace.In(_workspace.Source, "a/x"), _workspace.In(_workspace.Source, "c/x"));
        TreeComparison.Run("ln", _workspace.In(_workspace.Source, "c/x"), _workspace.In(_workspace.Source, "b/linked"));
        TreeComparison.Run("ln", _workspace.In(_workspace.Source, "c/x"), _workspace.In(_workspace.Source, "c/linked"));
        Assert.InRange((await MoveVolumesAsync("three")).Figures.BytesShipped, 1, 64 * 1024);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(19)]
    public async Task Every_level_of_compression_arrives(int level)
    {
        await File.WriteAllTextAsync(_workspace.In(_workspace.Source, "text"), string.Concat(Enumerable.Range(0, 100_000).Select(i => $"line {i}\n")), Workspace.Cancellation);
        var taken = await TakeAsync(_workspace.Request() with { CompressionLevel = level });
        var size = new FileInfo(_workspace.In(_workspace.Source, "text")).Length;
        Assert.True(level == 0 ? taken.Figures.BytesShipped > size : taken.Figures.BytesShipped < size / 2, $"{taken.Figures.BytesShipped} of {size} bytes were shipped");
        await _workspace.RestoreAsync(taken.SnapshotId);
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    [Fact]
    public async Task The_least_memory_is_enough_for_many_packs()
    {
        var random = new Random(2);
        for (var i = 0; i < 6; i++)
            Write($"file-{i}", 20 << 20, random);
        var taken = await TakeAsync(_workspace.Request() with { Memory = 64L << 20 });
        Assert.InRange(Directory.GetFiles(Path.Combine(_workspace.Store, "packs")).Length, 7, 10);
        await _workspace.RestoreAsync(taken.SnapshotId);
        Assert.True((await _workspace.VerifyAsync(taken.SnapshotId)).Matches);
    }

    [Theory]
    [InlineData(-1, 256)]
    [InlineData(20, 256)]
    [InlineData(1, 63)]
    public async Task What_cannot_be_is_refused_in_one_line(int level, int memory)
    {
        var error = await Assert.ThrowsAsync<RelocateException>(() => TakeAsync(_workspace.Request() with { CompressionLevel = level, Memory = (long)memory << 20 }));
        Assert.Equal(ExitCode.BadInput, error.ExitCode);
        Assert.DoesNotContain('\n', error.Message);
    }

    public void Dispose() => _workspace.Dispose();

    private async Task<SnapshotTaken> MoveVolumesAsync(string id)
    {
        var taken = await TakeAsync(_workspace.Request(id) with { Volumes = Volumes(_workspace.Source) });
        var restorer = new Restorer(await _workspace.RepositoryAsync(), TimeProvider.System);
        await restorer.RestoreAsync(new() { SnapshotId = id, Volumes = Volumes(_workspace.Target), JournalDirectory = _workspace.TargetJournal }, null, Workspace.Cancellation);
        foreach (var volume in new[] { "a", "b", "c" })
        {
            // A link between volumes is a file in each.
            var (code, output) = TreeComparison.Run("diff", "-r", _workspace.In(_workspace.Source, volume), _workspace.In(_workspace.Target, volume));
            Assert.True(code == 0, output);
        }

        return taken;
    }

    private static System.Collections.Immutable.ImmutableArray<VolumePath> Volumes(string root) => [.. new[] { "a", "b", "c" }.Select(v => new VolumePath(v, Path.Combine(root, v)))];

    private async Task<SnapshotTaken> TakeAsync(SnapshotRequest request)
        => await new Snapshotter(await _workspace.RepositoryAsync(), TimeProvider.System).TakeAsync(request, null, Workspace.Cancellation);

    private void Write(string name, int length, Random random)
    {
        var content = new byte[length];
        random.NextBytes(content);
        File.WriteAllBytes(Path.Combine(_workspace.Source, name), content);
    }
}
