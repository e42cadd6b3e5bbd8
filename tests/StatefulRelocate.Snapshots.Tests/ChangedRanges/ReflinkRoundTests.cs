using System.IO.MemoryMappedFiles;
using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.ChangedRanges;

public sealed class ReflinkRoundTests
{
    private const int Size = 24 << 20;

    [Theory]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public async Task A_final_round_reads_little_more_than_what_changed(string type)
    {
        using var snapshots = new ReflinkedSnapshots(type);
        foreach (var file in new[] { "a", "b" })
            await File.WriteAllBytesAsync(snapshots.In(file), Content(1), Workspace.Cancellation);
        await snapshots.LiveAsync();
        for (var offset = 100_000; offset < Size; offset += 5_000_000)
            Write(snapshots.In("a"), offset, 5000);
        var live = await snapshots.LiveAsync();
        Assert.InRange(live.Figures.BytesScanned, Size, 2 * Size);
        Assert.Empty(live.Warnings);
        Assert.InRange(live.Figures.FinalDuration!.Value, TimeSpan.Zero, live.Figures.Duration);
        for (var offset = 300_000; offset < Size; offset += 5_000_000)
            Write(snapshots.In("a"), offset, 5000);
        var final = await snapshots.FinalAsync();
        Assert.InRange(final.Figures.BytesScanned, final.Figures.BytesChanged, 10 * 8192);
        await snapshots.RequireRestorableAsync(final);
        Assert.DoesNotContain(ReservedDirectory.Name, Directory.EnumerateFileSystemEntries(snapshots.Workspace.Target).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public async Task What_is_written_while_a_live_round_reads_is_in_the_final_one(string type)
    {
        using var snapshots = new ReflinkedSnapshots(type);
        var path = snapshots.In("busy");
        await File.WriteAllBytesAsync(path, Content(1), Workspace.Cancellation);
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(() => WriteUntil(path, stop.Token), Workspace.Cancellation);
        for (var round = 0; round < 4; round++)
            Assert.Empty((await snapshots.LiveAsync()).Warnings);
        await stop.CancelAsync();
        await writing;
        var final = await snapshots.FinalAsync();
        Assert.InRange(final.Figures.BytesScanned, 0, Size - 1);
        await snapshots.RequireRestorableAsync(final);
        Assert.Empty((await snapshots.LiveAsync()).Warnings);
    }

    [Theory]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public async Task What_is_stored_through_a_mapping_that_stays_is_in_the_final_round(string type)
    {
        using var snapshots = new ReflinkedSnapshots(type);
        await File.WriteAllBytesAsync(snapshots.In("mapped"), Content(1), Workspace.Cancellation);
        using var map = MemoryMappedFile.CreateFromFile(snapshots.In("mapped"), FileMode.Open);
        using var view = map.CreateViewAccessor(0, Size);
        for (var round = 0; round < 3; round++)
        {
            view.Write(1_000_000 * (round + 1), 0x55);
            Assert.Empty((await snapshots.LiveAsync()).Warnings);
        }

        view.Write(9_000_000, 0x55);
        view.Write(1_000_001, 0x66);
        var final = await snapshots.FinalAsync();

        // XFS writes the whole folio that a store through a mapping touched, up to some MiB.
        Assert.InRange(final.Figures.BytesScanned, 1, Size / 2);
        await snapshots.RequireRestorableAsync(final);
    }

    [Fact]
    public async Task What_a_final_list_missed_is_found_by_the_next_live_round()
    {
        using var snapshots = new ReflinkedSnapshots("xfs");
        foreach (var file in new[] { "a", "b" })
            await File.WriteAllBytesAsync(snapshots.In(file), Content(1), Workspace.Cancellation);
        await snapshots.LiveAsync();
        await snapshots.LiveAsync();
        Write(snapshots.In("a"), 10_000_000, 5000);
        Forge(snapshots, "a");
        var final = await snapshots.FinalAsync();
        Assert.Equal(0, final.Figures.BytesScanned);
        Assert.Empty(final.Warnings);

        // Nothing was written since, and yet it is read again.
        var live = await snapshots.LiveAsync();
        Assert.Contains("a changed at byte 9994240", Assert.Single(live.Warnings), StringComparison.Ordinal);
        await snapshots.RequireRestorableAsync(live);
        Write(snapshots.In("b"), 0, 10);
        Assert.InRange((await snapshots.FinalAsync()).Figures.BytesScanned, Size, 2 * Size);
    }

    [Fact]
    public async Task A_scan_after_a_final_round_reads_again_what_was_read_by_a_list()
    {
        using var snapshots = new ReflinkedSnapshots("xfs");
        await File.WriteAllBytesAsync(snapshots.In("a"), Content(1), Workspace.Cancellation);
        await snapshots.LiveAsync();
        Write(snapshots.In("a"), 10_000_000, 5000);
        await snapshots.FinalAsync();
        var scan = await snapshots.LiveAsync(ChangedRangesMode.Scan);
        Assert.InRange(scan.Figures.BytesScanned, Size, Size);
        Assert.False(Directory.Exists(snapshots.In(ReservedDirectory.Name)));
        Assert.False(File.Exists(snapshots.Table));
        await snapshots.RequireRestorableAsync(scan);
    }

    [Fact]
    public async Task A_volume_that_becomes_a_target_loses_its_reflinks()
    {
        using var snapshots = new ReflinkedSnapshots("xfs");
        await File.WriteAllBytesAsync(snapshots.In("a"), Content(1), Workspace.Cancellation);
        var taken = await snapshots.LiveAsync();
        Directory.CreateDirectory(Path.Combine(snapshots.Workspace.Target, ReservedDirectory.Name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await File.WriteAllTextAsync(Path.Combine(snapshots.Workspace.Target, ReservedDirectory.Name, "1-1"), "stale", Workspace.Cancellation);
        await snapshots.RequireRestorableAsync(taken);
        Assert.False(Directory.Exists(Path.Combine(snapshots.Workspace.Target, ReservedDirectory.Name)));
    }

    [Fact]
    public async Task A_snapshot_killed_at_any_instant_leaves_lists_that_miss_nothing()
    {
        const int seed = 3;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        using var snapshots = new ReflinkedSnapshots("xfs");
        foreach (var file in new[] { "a", "b" })
            await File.WriteAllBytesAsync(snapshots.In(file), Content(1), Workspace.Cancellation);
        await snapshots.LiveAsync();
        for (var round = Environment.GetEnvironmentVariable("RELOCATE_LONG") == "1" ? 100 : 5; round > 0; round--)
        {
            Write(snapshots.In("a"), random.Next(Size - 100_000), random.Next(1, 100_000));
            Write(snapshots.In("b"), random.Next(Size - 100_000), random.Next(1, 100_000));
            await ChildProcess.KillAsync(TimeSpan.FromMilliseconds(random.Next(300)), "snapshot", snapshots.Workspace.Root, $"killed-{round}", "reflink");
            Write(snapshots.In("a"), random.Next(Size - 100_000), random.Next(1, 100_000));
            await snapshots.RequireRestorableAsync(round % 2 == 0 ? await snapshots.FinalAsync() : await snapshots.LiveAsync());
        }

        Assert.Empty((await snapshots.LiveAsync()).Warnings);
    }

    /// <summary>Makes the driver believe that the file as it is now is what the round before read.</summary>
    private static void Forge(ReflinkedSnapshots snapshots, string file)
    {
        var table = CloneTable.Load(snapshots.Table)!;
        var kept = table.Clones[file];
        var clone = Directory.EnumerateFiles(snapshots.In(ReservedDirectory.Name), kept.Name, SearchOption.AllDirectories).Single();
        File.Delete(clone);
        Assert.Equal(0, TreeComparison.Run("cp", "--reflink=always", snapshots.In(file), clone).Code);
        using var directory = OpenDirectory.Open(Path.GetDirectoryName(clone)!);
        var clones = table.Clones.ToDictionary();
        clones[file] = kept with { Identity = directory.FactsAt(kept.Name)!.Value.Identity };
        (table with { Clones = clones }).Save(snapshots.Table);
    }

    private static void WriteUntil(string path, CancellationToken cancellationToken)
    {
        var random = new Random(9);
        var page = new byte[8192];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0);
        while (!cancellationToken.IsCancellationRequested)
        {
            random.NextBytes(page);
            file.Position = random.Next(Size / 4 / page.Length) * (long)page.Length;
            file.Write(page);
        }
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
        file.Write(Enumerable.Repeat((byte)(offset % 251), length).ToArray());
    }
}
