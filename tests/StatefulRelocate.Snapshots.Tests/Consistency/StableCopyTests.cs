using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Consistency;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Tests.Fixtures;
using StatefulRelocate.TestSupport.FileSystems;

namespace StatefulRelocate.Snapshots.Tests.Consistency;

public sealed class StableCopyTests
{
    [Theory]
    [InlineData("xfs", true)]
    [InlineData("ext4", false)]
    public async Task A_live_file_is_read_from_a_copy_where_the_file_system_can(string type, bool stable)
    {
        using var loop = LoopFileSystem.Create(type);
        var (volume, journal) = (Directory.CreateDirectory(loop.In("volume")).FullName, Directory.CreateDirectory(loop.In("journal")).FullName);
        var content = new byte[2 << 20];
        new Random(1).NextBytes(content);
        await File.WriteAllBytesAsync(Path.Combine(volume, "big"), content, Workspace.Cancellation);
        await File.WriteAllBytesAsync(Path.Combine(volume, "small"), content.AsMemory(0, 1000), Workspace.Cancellation);
        await using var source = await ConsistentSource.OpenAsync(
            new SnapshotRequest
            {
                App = "web",
                SnapshotId = "s",
                Volumes = [new VolumePath("data", volume)],
                JournalDirectory = journal,
                SourceSnapshot = SourceSnapshotMode.Auto,
            },
            journal, TimeProvider.System, Assert.Fail, Workspace.Cancellation);
        using var ranges = Assert.Single(source.OpenRanges());
        using (var file = source.Roots[0].OpenAt("small", Posix.ReadOnly))
        using (var ranged = ranges.Open("small", file, null))
            Assert.False(ranged.Stable);
        using (var file = source.Roots[0].OpenAt("big", Posix.ReadOnly))
        using (var ranged = ranges.Open("big", file, new FileVersion(content.Length, [1])))
        {
            Assert.Equal(stable, ranged.Stable);
            Assert.Null(ranged.ToRead);
            await File.WriteAllBytesAsync(Path.Combine(volume, "big"), new byte[content.Length], Workspace.Cancellation);
            var read = new byte[content.Length];
            ranged.Content.Read(read, 0);
            Assert.Equal(stable, read.AsSpan().SequenceEqual(content));
        }

        Assert.Equal(["big", "small"], source.Roots[0].Names());
        Assert.False(Directory.Exists(Path.Combine(volume, ReservedDirectory.Name)));
    }
}
