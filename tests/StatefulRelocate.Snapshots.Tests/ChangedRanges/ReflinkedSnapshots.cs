using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Tests.Fixtures;
using StatefulRelocate.TestSupport.FileSystems;

namespace StatefulRelocate.Snapshots.Tests.ChangedRanges;

/// <summary>Whole rounds over a volume that keeps reflinks: live ones, which read everything and check the lists, and final ones, which read by them.</summary>
internal sealed class ReflinkedSnapshots : IDisposable
{
    private readonly LoopFileSystem _loop;

    public ReflinkedSnapshots(string type, int mebibytes = 512)
    {
        _loop = LoopFileSystem.Create(type, mebibytes);
        Workspace = new Workspace(Directory.CreateDirectory(_loop.In("workspace")).FullName);
    }

    public Workspace Workspace { get; }

    public string Table => Path.Combine(Workspace.SourceJournal, "reflinks-data.table");

    public string In(string name) => Path.Combine(Workspace.Source, name);

    public Task<SnapshotTaken> LiveAsync(ChangedRangesMode mode = ChangedRangesMode.Reflink) => TakeAsync(Workspace.Request() with { ChangedRanges = mode, AuditRanges = true });

    public Task<SnapshotTaken> FinalAsync(ChangedRangesMode mode = ChangedRangesMode.Reflink) => TakeAsync(Workspace.Request(final: true) with { ChangedRanges = mode });

    /// <summary>The target is the source, as programs that know nothing of this one see it.</summary>
    public async Task RequireRestorableAsync(SnapshotTaken taken)
    {
        await Workspace.RestoreAsync(taken.SnapshotId);
        var verified = await Workspace.VerifyAsync(taken.SnapshotId);
        Assert.True(verified.Matches, string.Join("; ", verified.Differences));

        // Left out of snapshots, so left out here: moved away for the comparison.
        var (kept, aside) = (In(ReservedDirectory.Name), Path.Combine(Workspace.Root, "aside"));
        var times = Path.Combine(Workspace.Root, "times");
        Run("touch", "-r", Workspace.Source, times);
        var there = Directory.Exists(kept);
        if (there)
            Directory.Move(kept, aside);
        Run("touch", "-r", times, Workspace.Source);
        TreeComparison.RequireEqual(Workspace.Source, Workspace.Target);
        if (there)
            Directory.Move(aside, kept);
        Run("touch", "-r", times, Workspace.Source);
    }

    public void Dispose()
    {
        Workspace.Dispose();
        _loop.Dispose();
    }

    private static void Run(string program, params string[] arguments) => Assert.Equal(0, TreeComparison.Run(program, arguments).Code);

    private async Task<SnapshotTaken> TakeAsync(SnapshotRequest request)
        => await new Snapshotter(await Workspace.RepositoryAsync(), TimeProvider.System).TakeAsync(request, null, Workspace.Cancellation);
}
