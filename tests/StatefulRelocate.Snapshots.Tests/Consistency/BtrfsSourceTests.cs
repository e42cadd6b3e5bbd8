using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Consistency;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Tests.Fixtures;
using StatefulRelocate.TestSupport.FileSystems;

namespace StatefulRelocate.Snapshots.Tests.Consistency;

public sealed class BtrfsSourceTests : IDisposable
{
    private readonly LoopFileSystem _loop = LoopFileSystem.Create("btrfs");
    private readonly List<string> _warnings = [];

    public BtrfsSourceTests()
    {
        Run($"btrfs subvolume create {Quoted(Subvolume)}");
        Directory.CreateDirectory(Inside);
        Directory.CreateDirectory(Journal);
        File.WriteAllText(Path.Combine(Subvolume, "file"), "before");
        File.WriteAllText(Path.Combine(Inside, "file"), "before");
    }

    private string Subvolume => _loop.In("app");

    private string Inside => Path.Combine(Subvolume, "deep", "volume");

    private string Journal => _loop.In("journal");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_read_is_the_whole_volume_at_one_instant(bool inside)
    {
        var volume = inside ? Inside : Subvolume;
        using var live = OpenDirectory.Open(volume);
        var (root, file) = (live.Handle.Facts(), live.FactsAt("file"));
        await using (var source = await OpenAsync(volume))
        {
            File.WriteAllText(Path.Combine(volume, "file"), "after!");
            File.WriteAllText(Path.Combine(volume, "later"), "later");
            var read = Assert.Single(source.Roots);
            using var content = read.OpenAt("file", Posix.ReadOnly);
            var bytes = new byte[6];
            content.Read(bytes, 0);
            Assert.Equal("before"u8.ToArray(), bytes);
            Assert.DoesNotContain("later", read.Names());

            // As the live tree showed it: a later round finds the same file unchanged, by whatever way it looks.
            Assert.Equal(file, read.FactsAt("file"));
            Assert.Equal(file, content.Facts());
            Assert.Equal(root.Identity.Modified, read.Handle.Facts().Identity.Modified);
            Assert.Equal(root.Identity.Device, read.Handle.Facts().Identity.Device);
            Assert.True(source.AsOf < KernelClock.Now() + 1);
            Assert.Equal(2, Subvolumes());
        }

        Assert.Equal(1, Subvolumes());
        Assert.False(Directory.Exists(Path.Combine(volume, ReservedDirectory.Name)));
        Assert.Empty(Directory.EnumerateFiles(Journal));
        Assert.Empty(_warnings);
    }

    [Theory]
    [InlineData("nested")]
    [InlineData("mount")]
    public async Task A_volume_that_a_snapshot_would_not_show_all_of_is_read_live(string what)
    {
        var other = Path.Combine(Inside, "other");
        if (what == "nested")
        {
            Run($"btrfs subvolume create {Quoted(other)}");
        }
        else
        {
            Directory.CreateDirectory(other);
            Run($"mount -t tmpfs none {Quoted(other)}");
        }

        try
        {
            await using (var source = await OpenAsync(Inside))
                Assert.Equal(long.MaxValue, source.AsOf);
            await using (var source = await OpenAsync(_loop.In("journal")))
                Assert.NotEqual(what == "nested" ? long.MaxValue : 0, source.AsOf);
        }
        finally
        {
            _ = TreeComparison.Run("umount", other);
        }
    }

    [Fact]
    public async Task Another_subvolume_beside_the_volume_does_not_matter()
    {
        Run($"btrfs subvolume create {Quoted(Path.Combine(Subvolume, "deep", "beside"))}");
        await using var source = await OpenAsync(Inside);
        Assert.NotEqual(long.MaxValue, source.AsOf);
    }

    [Fact]
    public async Task What_a_killed_run_left_is_removed_by_the_next()
    {
        using (var child = ChildProcess.Start("hold", Journal, Inside))
        {
            Assert.Equal("begun", await child.StandardOutput.ReadLineAsync(Workspace.Cancellation));
            Assert.Equal("ready", await child.StandardOutput.ReadLineAsync(Workspace.Cancellation));
            Assert.Equal(2, Subvolumes());
            child.Kill();
            await child.WaitForExitAsync(Workspace.Cancellation);
        }

        Assert.Equal(2, Subvolumes());
        await using (var source = await OpenAsync(Inside, SourceSnapshotMode.Off))
            Assert.Equal(1, Subvolumes());
        Assert.Empty(Directory.EnumerateFiles(Journal));
    }

    [Fact]
    public async Task A_run_killed_at_any_instant_leaves_nothing_that_the_next_does_not_remove()
    {
        const int seed = 5;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        for (var kills = Environment.GetEnvironmentVariable("RELOCATE_LONG") == "1" ? 100 : 6; kills > 0; kills--)
        {
            using (var child = ChildProcess.Start("hold", Journal, Inside))
            {
                Assert.Equal("begun", await child.StandardOutput.ReadLineAsync(Workspace.Cancellation));
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(120)), Workspace.Cancellation);
                child.Kill();
                await child.WaitForExitAsync(Workspace.Cancellation);
            }

            await using (await OpenAsync(Inside, SourceSnapshotMode.Off))
                Assert.Equal(1, Subvolumes());
        }

        Assert.Empty(Directory.EnumerateFiles(Journal));
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task What_is_kept_in_a_volume_can_be_removed_with_a_snapshot_among_it()
    {
        using (var child = ChildProcess.Start("hold", Journal, Inside))
        {
            Assert.Equal("begun", await child.StandardOutput.ReadLineAsync(Workspace.Cancellation));
            Assert.Equal("ready", await child.StandardOutput.ReadLineAsync(Workspace.Cancellation));
            child.Kill();
            await child.WaitForExitAsync(Workspace.Cancellation);
        }

        Assert.True(ReservedDirectory.Remove(Inside));
        Assert.Equal(1, Subvolumes());
        await using var source = await OpenAsync(Inside);
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task The_snapshots_files_are_reflinked_for_changed_ranges_too()
    {
        await File.WriteAllBytesAsync(Path.Combine(Inside, "big"), new byte[4 << 20], Workspace.Cancellation);
        for (var round = 0; round < 2; round++)
        {
            await using var source = await OpenAsync(Inside, ranges: ChangedRangesMode.Reflink);
            using var ranges = Assert.Single(source.OpenRanges());
            using var file = source.Roots[0].OpenAt("big", Posix.ReadOnly);
            using var ranged = ranges.Open("big", file, new FileVersion(4 << 20, [1]));
            Assert.True(ranged.Stable);
            Assert.Equal(round == 0 ? null : [], ranged.ToRead?.ToArray());
            ranges.Finish("big", ranged, new FileVersion(4 << 20, [1]));
            ranges.Commit();
        }

        Assert.Equal(1, Subvolumes());
    }

    public void Dispose() => _loop.Dispose();

    private static string Quoted(string path) => $"'{path}'";

    private static void Run(string command)
    {
        var (code, output) = TreeComparison.Run("sh", "-c", command);
        Assert.True(code == 0, output);
    }

    private int Subvolumes() => TreeComparison.Run("btrfs", "subvolume", "list", _loop.Mount).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;

    private Task<ConsistentSource> OpenAsync(string volume, SourceSnapshotMode mode = SourceSnapshotMode.Auto, ChangedRangesMode ranges = ChangedRangesMode.Scan)
        => ConsistentSource.OpenAsync(new SnapshotRequest
        {
            App = "web",
            SnapshotId = "s",
            Volumes = [new VolumePath("data", volume)],
            JournalDirectory = Journal,
            SourceSnapshot = mode,
            ChangedRanges = ranges,
        }, Journal, TimeProvider.System, _warnings.Add, Workspace.Cancellation);
}
