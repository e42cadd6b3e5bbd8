using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.ChangedRanges;

public sealed class ReflinkDriverTests
{
    private const int Size = 8 << 20;

    [Theory]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public void A_list_names_little_more_than_what_was_written(string type)
    {
        using var rounds = new ReflinkRounds(type);
        File.WriteAllBytes(rounds.In("f"), Content(1));
        Assert.Null(rounds.Round(["f"])["f"]);
        Write(rounds.In("f"), 100_000, 10);
        Write(rounds.In("f"), 4_000_000, 8192);
        Assert.Equal([new ByteRange(98304, 8192), new ByteRange(3_997_696, 16384)], rounds.Round(["f"])["f"]!);
        Assert.Empty(rounds.Round(["f"])["f"]!);
        Assert.Single(rounds.Kept());
    }

    [Theory]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public void The_file_is_read_as_it_was_at_one_instant(string type)
    {
        using var rounds = new ReflinkRounds(type);
        File.WriteAllBytes(rounds.In("f"), Content(1));
        using var root = OpenDirectory.Open(rounds.Volume);
        using var ranges = rounds.Open();
        using var file = root.OpenAt("f", Posix.ReadOnly);
        using var ranged = ranges.Open("f", file, null);
        Assert.True(ranged.Stable);
        File.WriteAllBytes(rounds.In("f"), Content(2));
        var read = new byte[Size];
        Assert.Equal(Size, ranged.Content.Read(read, 0));
        Assert.Equal(Content(1), read);
    }

    [Theory]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public void A_reflink_leaves_the_files_times_and_the_volumes_own_as_they_were(string type)
    {
        using var rounds = new ReflinkRounds(type);
        File.WriteAllBytes(rounds.In("f"), Content(1));
        using var root = OpenDirectory.Open(rounds.Volume);
        var (file, modified) = (root.FactsAt("f"), root.Handle.Facts().Identity.Modified);
        rounds.Round(["f"]);
        Assert.Equal(file, root.FactsAt("f"));
        Assert.Equal(modified, root.Handle.Facts().Identity.Modified);
        Assert.True(ReservedDirectory.Remove(rounds.Volume));
        Assert.False(ReservedDirectory.Remove(rounds.Volume));
        Assert.Equal(modified, root.Handle.Facts().Identity.Modified);
    }

    [Theory]
    [InlineData("touch")]
    [InlineData("write")]
    [InlineData("remove")]
    [InlineData("replace")]
    [InlineData("remove all")]
    public void A_reflink_that_somebody_touched_is_not_believed(string how)
    {
        using var rounds = new ReflinkRounds("xfs");
        File.WriteAllBytes(rounds.In("f"), Content(1));
        rounds.Round(["f"]);
        var kept = Assert.Single(rounds.Kept());
        switch (how)
        {
            case "touch":
                File.SetLastWriteTimeUtc(kept, File.GetLastWriteTimeUtc(kept));
                break;
            case "write":
                Write(kept, 5000, 1);
                break;
            case "remove":
                File.Delete(kept);
                break;
            case "replace":
                File.Delete(kept);
                File.Copy(rounds.In("f"), kept);
                break;
            default:
                ReservedDirectory.Remove(rounds.Volume);
                break;
        }

        Assert.Null(rounds.Round(["f"])["f"]);
        Assert.NotNull(rounds.Round(["f"])["f"]);
    }

    [Fact]
    public void A_directory_of_that_name_that_is_not_ours_is_left_alone()
    {
        using var rounds = new ReflinkRounds("xfs");
        Directory.CreateDirectory(rounds.In(ReservedDirectory.Name));
        File.SetUnixFileMode(rounds.In(ReservedDirectory.Name), (UnixFileMode)0b111_101_101);
        using (var ranges = rounds.Open(mode: ChangedRangesMode.Auto))
            Assert.Equal("scan", ranges.Driver);
        Assert.Throws<RelocateException>(() => rounds.Open());
        Assert.Throws<RelocateException>(() => ReservedDirectory.Remove(rounds.Volume));
        Assert.Empty(Directory.EnumerateFileSystemEntries(rounds.In(ReservedDirectory.Name)));
    }

    [Fact]
    public void What_a_round_that_failed_left_is_removed_by_the_next()
    {
        using var rounds = new ReflinkRounds("xfs");
        File.WriteAllBytes(rounds.In("f"), Content(1));
        rounds.Round(["f"]);
        rounds.Round(["f"], commit: false);
        Assert.Single(rounds.Kept());
        var leftover = Path.Combine(Path.GetDirectoryName(rounds.Kept()[0])!, "9-1");
        File.WriteAllText(leftover, "of a process that was killed");
        Assert.Empty(rounds.Round(["f"])["f"]!);
        Assert.False(File.Exists(leftover));
    }

    [Fact]
    public void One_change_that_a_list_did_not_name_retires_the_driver_for_good()
    {
        using var rounds = new ReflinkRounds("xfs");
        File.WriteAllBytes(rounds.In("f"), Content(1));
        rounds.Round(["f"], audit: true);
        Write(rounds.In("f"), 0, 100);
        rounds.Round(["f"], audit: true);
        Assert.Empty(rounds.Warnings);

        // The round before knew something else than what is there, and no list says so.
        var other = File.ReadAllBytes(rounds.In("f"));
        other[3_000_000]++;
        rounds.Forge("f", other);
        rounds.Round(["f"], audit: true);
        Assert.Contains("f changed at byte 2998272", Assert.Single(rounds.Warnings), StringComparison.Ordinal);
        Assert.False(Directory.Exists(rounds.In(ReservedDirectory.Name)));
        using var ranges = rounds.Open();
        Assert.Equal("scan", ranges.Driver);
    }

    [Fact]
    public void A_file_read_by_a_list_is_read_in_full_by_the_next_live_round()
    {
        using var rounds = new ReflinkRounds("xfs");
        File.WriteAllBytes(rounds.In("f"), Content(1));
        rounds.Round(["f"], audit: true);
        using (var live = rounds.Open(audit: true))
            Assert.False(live.MustRead("f"));
        Write(rounds.In("f"), 0, 100);
        Assert.NotNull(rounds.Round(["f"])["f"]);
        using (var final = rounds.Open())
            Assert.False(final.MustRead("f"));
        using (var live = rounds.Open(audit: true))
            Assert.True(live.MustRead("f"));
        using (var scan = rounds.Open(mode: ChangedRangesMode.Scan))
            Assert.True(scan.MustRead("f"));
        rounds.Round(["f"], audit: true);
        using (var live = rounds.Open(audit: true))
            Assert.False(live.MustRead("f"));
    }

    [Fact]
    public void Lists_are_checked_after_some_rounds_even_where_nobody_asks_for_it()
    {
        using var rounds = new ReflinkRounds("xfs");
        File.WriteAllBytes(rounds.In("f"), Content(1));
        var unknown = 0;
        for (var round = 0; round < 2 * ChangedRangesDrivers.RoundsWithoutAudit + 4; round++)
            unknown += rounds.Round(["f"])["f"] is null ? 1 : 0;
        Assert.Equal(3, unknown);
    }

    [Fact]
    public void Damaged_state_makes_one_round_read_everything()
    {
        using var rounds = new ReflinkRounds("xfs");
        File.WriteAllBytes(rounds.In("f"), Content(1));
        rounds.Round(["f"]);
        var table = Path.Combine(rounds.Journal, "reflinks-data.table");
        Write(table, 20, 4);
        using (var ranges = rounds.Open())
        {
            Assert.True(ranges.MustRead("f"));
            ranges.Commit();
        }

        Assert.Null(rounds.Round(["f"])["f"]);
        Assert.NotNull(rounds.Round(["f"])["f"]);
    }

    [Fact]
    public void Extents_that_are_compressed_are_counted_as_changed()
    {
        using var rounds = new ReflinkRounds("btrfs");
        Assert.Equal(0, TreeComparison.Run("chattr", "+c", rounds.Volume).Code);
        File.WriteAllBytes(rounds.In("f"), new byte[Size].Select((_, i) => (byte)(i >> 14)).ToArray());
        rounds.Round(["f"]);
        Assert.Equal([new ByteRange(0, Size)], rounds.Round(["f"])["f"]!);
    }

    [Fact]
    public void A_file_that_btrfs_never_copies_on_write_is_served_too()
    {
        using var rounds = new ReflinkRounds("btrfs");
        Assert.Equal(0, TreeComparison.Run("chattr", "+C", rounds.Volume).Code);
        File.WriteAllBytes(rounds.In("f"), Content(1));
        rounds.Round(["f"]);
        Write(rounds.In("f"), 8192, 8192);
        Assert.Equal([new ByteRange(8192, 8192)], rounds.Round(["f"])["f"]!);
    }

    [Fact]
    public void An_XFS_without_reflinks_is_scanned()
    {
        using var rounds = new ReflinkRounds("xfs", "-m reflink=0");
        using (var ranges = rounds.Open(mode: ChangedRangesMode.Auto))
            Assert.Equal("scan", ranges.Driver);
        Assert.Contains("'auto' or 'scan'", Assert.Throws<RelocateException>(() => rounds.Open()).Message, StringComparison.Ordinal);
    }

    private static byte[] Content(int seed)
    {
        var content = new byte[Size];
        new Random(seed).NextBytes(content);
        return content;
    }

    private static void Write(string path, long offset, int length)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write);
        file.Position = offset;
        file.Write(Enumerable.Repeat((byte)0xA5, length).ToArray());
    }
}
