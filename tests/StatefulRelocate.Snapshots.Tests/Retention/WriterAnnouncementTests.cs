using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Retention;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Retention;

public sealed class WriterAnnouncementTests : IDisposable
{
    private readonly Workspace _workspace = new();

    private string Writers => Path.Combine(_workspace.Store, "writers");

    [Fact]
    public async Task A_writer_is_announced_until_its_snapshot_is_sealed()
    {
        Write("file", 1);
        var seen = 0;
        await new Snapshotter(await _workspace.RepositoryAsync(), TimeProvider.System).TakeAsync(
            _workspace.Request("one"), new Watch(() => seen = Math.Max(seen, Directory.GetFiles(Writers, "one.*").Length)), Workspace.Cancellation);
        Assert.Equal(1, seen);
        Assert.Empty(Directory.GetFiles(Writers));
        Assert.False(File.Exists(Path.Combine(_workspace.SourceJournal, "announced")));
    }

    [Fact]
    public async Task What_a_killed_writer_announced_is_taken_back_by_the_next_one_from_there()
    {
        Write("file", 1);
        var repository = await _workspace.RepositoryAsync();
        Directory.CreateDirectory(_workspace.SourceJournal);
        var killed = await WriterAnnouncement.BeginAsync(repository, "killed", null, _workspace.SourceJournal, Workspace.Cancellation);
        Assert.NotNull(await WriterAnnouncement.ReadAsync(repository, killed.Name, Workspace.Cancellation));
        await _workspace.TakeAsync("one");
        Assert.Empty(Directory.GetFiles(Writers));
    }

    [Fact]
    public async Task Blocks_in_a_condemned_pack_are_stored_again()
    {
        Write("file", 1);
        await _workspace.TakeAsync("one");
        var repository = await _workspace.ReopenAsync();
        Directory.Delete(_workspace.SourceJournal, recursive: true);
        var before = await new Snapshotter(repository, TimeProvider.System).TakeAsync(_workspace.Request("two"), null, Workspace.Cancellation);
        Assert.InRange(before.Figures.BytesShipped, 1, 20_000);

        var index = Directory.GetFiles(Path.Combine(_workspace.Store, "index")).Single();
        var pack = Directory.GetFiles(Path.Combine(_workspace.Store, "packs")).Single();
        await new DeletionMark { Objects = ["packs/" + Path.GetFileName(pack)] }.PutAsync(repository, DeletionMark.NewName(), Workspace.Cancellation);
        Directory.Delete(_workspace.SourceJournal, recursive: true);
        var after = await new Snapshotter(repository, TimeProvider.System).TakeAsync(_workspace.Request("three"), null, Workspace.Cancellation);
        Assert.InRange(after.Figures.BytesShipped, 300_000, long.MaxValue);
        File.Delete(index);
        File.Delete(pack);
        await _workspace.RestoreAsync("three");
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    [Fact]
    public async Task A_writer_that_was_given_up_cannot_seal_its_snapshot()
    {
        Write("file", 1);
        var repository = await _workspace.RepositoryAsync();
        var given = false;
        var error = await Assert.ThrowsAsync<RelocateException>(() => new Snapshotter(repository, TimeProvider.System).TakeAsync(
            _workspace.Request("slow"), new Watch(() => given |= repository.Snapshots.GiveUpAsync("slow", default).GetAwaiter().GetResult()), Workspace.Cancellation));
        Assert.True(given);
        Assert.Contains("given up", error.Message, StringComparison.Ordinal);
        await foreach (var listed in repository.Snapshots.ListAsync(Workspace.Cancellation))
            Assert.Fail($"{listed.Id} is listed");

        await _workspace.TakeAsync("sealed");
        Assert.False(await repository.Snapshots.GiveUpAsync("sealed", Workspace.Cancellation));
    }

    public void Dispose() => _workspace.Dispose();

    private void Write(string name, int seed)
    {
        var content = new byte[400_000];
        new Random(seed).NextBytes(content);
        File.WriteAllBytes(Path.Combine(_workspace.Source, name), content);
    }

    /// <summary>Acts in the middle of a round, on the thread that reads.</summary>
    private sealed class Watch(Action act) : IProgress<Core.Activities.ActivityProgress>
    {
        public void Report(Core.Activities.ActivityProgress value) => act();
    }
}
