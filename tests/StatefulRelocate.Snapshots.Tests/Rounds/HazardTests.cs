using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Rounds;

/// <summary>What goes wrong while a tree is read.</summary>
public sealed class HazardTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task A_changed_ctime_over_equal_content_costs_a_comparison_and_no_upload()
    {
        var file = Write("file", 1 << 20, 1);
        await _workspace.TakeAsync();
        await Task.Delay(150, Workspace.Cancellation);
        await _workspace.TakeAsync();
        TreeComparison.Run("ln", file, file + "2");
        File.Delete(file + "2");
        var packs = Packs();
        var taken = await _workspace.TakeAsync();
        Assert.Equal(1 << 20, taken.Figures.BytesScanned);
        Assert.Equal(0, taken.Figures.BytesChanged);
        Assert.Equal(packs, Packs());
    }

    [Fact]
    public async Task A_file_replaced_by_another_of_the_same_size_and_time_is_found()
    {
        var file = Write("file", 100_000, 2);
        var time = new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(file, time);
        await _workspace.MoveAsync();
        await Task.Delay(150, Workspace.Cancellation);
        await _workspace.MoveAsync();
        File.SetLastWriteTimeUtc(Write("other", 100_000, 3), time);
        File.Move(file + "/../other", file, overwrite: true);
        await _workspace.MoveAsync();
    }

    [Fact]
    public async Task A_paranoid_round_reads_what_its_times_say_is_unchanged()
    {
        Write("file", 1 << 20, 4);
        await _workspace.TakeAsync();
        await Task.Delay(150, Workspace.Cancellation);
        await _workspace.TakeAsync();
        Assert.Equal(0, (await _workspace.TakeAsync()).Figures.BytesScanned);
        Assert.Equal(1 << 20, (await TakeAsync(_workspace.Request() with { Paranoid = true })).Figures.BytesScanned);
    }

    [Fact]
    public async Task A_dry_run_says_what_would_be_stored_and_writes_nothing()
    {
        Write("file", 1 << 20, 5);
        await _workspace.RepositoryAsync();
        var before = Everything();
        var dry = await TakeAsync(_workspace.Request("dry") with { DryRun = true });
        Assert.Equal(1 << 20, dry.Figures.BytesChanged);
        Assert.InRange(dry.Figures.BytesShipped, 1 << 20, (1 << 20) + 4096);
        Assert.Equal(before, Everything());
        await _workspace.MoveAsync();
        before = Everything();
        dry = await TakeAsync(_workspace.Request("dry") with { DryRun = true });
        Assert.Equal(0, dry.Figures.BytesChanged);
        Assert.Equal(before, Everything());
        Write("file", 2 << 20, 6);
        Assert.Equal(2 << 20, (await TakeAsync(_workspace.Request("dry") with { DryRun = true })).Figures.BytesChanged);
        await _workspace.MoveAsync();
    }

    [Fact]
    public async Task A_file_that_changes_while_it_is_read_is_read_again()
    {
        var file = Write("file", 1 << 20, 7);
        var once = new Once(() => Append(file));
        var taken = await TakeAsync(_workspace.Request(), once);
        Assert.Empty(taken.Warnings);
        await _workspace.RestoreAsync(taken.SnapshotId);
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    [Fact]
    public async Task A_large_file_that_changes_while_it_is_read_is_reported_and_read_by_the_next_round()
    {
        var file = Write("file", 20 << 20, 8);
        var taken = await TakeAsync(_workspace.Request(), new Once(() => Append(file)));
        Assert.Contains("changed while it was read", Assert.Single(taken.Warnings), StringComparison.Ordinal);
        await _workspace.MoveAsync();
        taken = await TakeAsync(_workspace.Request() with { RelocationId = "r-1" }, new Once(() => Append(file)));
        Assert.Empty(taken.Warnings);
        await _workspace.MoveAsync(final: true);
    }

    [Fact]
    public async Task A_file_that_shrinks_while_it_is_read_is_carried_and_put_right_by_the_next_round()
    {
        var file = Write("file", 20 << 20, 9);
        await TakeAsync(_workspace.Request(), new Once(() => Truncate(file, 5 << 20)));
        await _workspace.MoveAsync();
    }

    [Fact]
    public async Task A_final_round_refuses_a_file_that_changes_while_it_is_read()
    {
        var file = Write("file", 1 << 20, 10);
        var error = await Assert.ThrowsAsync<RelocateException>(() => TakeAsync(_workspace.Request("final", final: true), new Once(() => Append(file))));
        Assert.Contains("something still writes", error.Message, StringComparison.Ordinal);
        Assert.Null(await (await _workspace.RepositoryAsync()).Snapshots.FindAsync("final", Workspace.Cancellation));
        await _workspace.MoveAsync(final: true);
    }

    [Fact]
    public async Task Names_that_vanish_between_the_list_and_the_look_are_left_out()
    {
        // More names than are looked at before the filter is asked for the first.
        for (var i = 0; i < 600; i++)
            Write($"n{i:000}", 10, i);
        Directory.CreateDirectory(_workspace.In(_workspace.Source, "z"));
        Write("z/d", 1000, 13);
        var all = await _workspace.TakeAsync();
        var vanishing = new Asked(entry =>
        {
            if (entry.Path == "n000")
            {
                File.Delete(_workspace.In(_workspace.Source, "n599"));
                Directory.Delete(_workspace.In(_workspace.Source, "z"), recursive: true);
            }

            return false;
        });
        var taken = await TakeAsync(_workspace.Request() with { Filter = vanishing });
        Assert.Empty(taken.Warnings);
        Assert.Equal(3, all.Figures.Entries - taken.Figures.Entries);
        await _workspace.RestoreAsync(taken.SnapshotId);
        await _workspace.MoveAsync();
    }

    [Fact]
    public async Task Files_and_directories_that_vanish_after_they_were_looked_at_do_no_harm()
    {
        Write("a", 1000, 11);
        Write("b", 1000, 12);
        Directory.CreateDirectory(_workspace.In(_workspace.Source, "c"));
        Write("c/d", 1000, 13);
        await _workspace.TakeAsync();
        Write("a", 1001, 11);
        Write("b", 1001, 12);
        var vanishing = new Asked(entry =>
        {
            if (entry.Path == "b")
                File.Delete(entry.AbsolutePath);
            if (entry.Path == "c" && Directory.Exists(entry.AbsolutePath))
                Directory.Delete(entry.AbsolutePath, recursive: true);
            return false;
        });
        var taken = await TakeAsync(_workspace.Request() with { Filter = vanishing });
        Assert.Empty(taken.Warnings);

        // The directory was there when it was looked at, with what it held or without.
        Assert.InRange(taken.Figures.Entries, 2, 4);
        await _workspace.RestoreAsync(taken.SnapshotId);
        Assert.False(File.Exists(_workspace.In(_workspace.Target, "b")));
        await _workspace.MoveAsync();
    }

    [Fact]
    public async Task The_first_of_hard_links_that_vanishes_does_not_take_the_others_with_it()
    {
        var first = Write("a", 1000, 14);
        TreeComparison.Run("ln", first, first + "2");
        TreeComparison.Run("ln", first, first + "3");
        var taken = await TakeAsync(_workspace.Request() with
        {
            Filter = new Asked(entry =>
            {
                if (entry.Path == "a")
                    File.Delete(entry.AbsolutePath);
                return false;
            }),
        });
        Assert.Equal(3, taken.Figures.Entries);
        await _workspace.RestoreAsync(taken.SnapshotId);
        await _workspace.MoveAsync();
    }

    [Fact]
    public async Task A_filter_that_comes_later_takes_names_out_and_back_in()
    {
        Directory.CreateDirectory(_workspace.In(_workspace.Source, "cache"));
        Write("cache/x", 1000, 15);
        Write("keep", 1000, 16);
        var all = await _workspace.TakeAsync();
        var some = await TakeAsync(_workspace.Request() with { Filter = new Asked(entry => entry.Path == "cache") });
        Assert.Equal(2, all.Figures.Entries - some.Figures.Entries);
        Assert.Equal(all.RootHash, (await _workspace.TakeAsync()).RootHash);
        await _workspace.MoveAsync();
    }

    [Fact]
    public async Task What_may_not_be_read_is_reported_and_the_rest_is_taken_unless_the_app_is_being_moved()
    {
        Write("a", 1000, 17);
        Write("b", 1000, 18);
        Directory.CreateDirectory(_workspace.In(_workspace.Source, "dir"));
        Write("dir/c", 1000, 19);
        TreeComparison.Run("ln", _workspace.In(_workspace.Source, "b"), _workspace.In(_workspace.Source, "z"));
        await _workspace.RepositoryAsync();
        TreeComparison.Run("chmod", "0", _workspace.In(_workspace.Source, "b"), _workspace.In(_workspace.Source, "dir"));
        string report, moving;
        if (Environment.UserName == "root")
        {
            // Root may read everything: a child of another user takes the snapshot.
            if (TreeComparison.Run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "test", "-r", typeof(HazardTests).Assembly.Location).Code != 0)
                Assert.Skip("runs as root, and setpriv is missing or the test's program is not readable for others");
            TreeComparison.Run("chown", "-R", "65534:65534", _workspace.Root);
            report = await ChildProcess.RunAsAsync(65534, "warnings", _workspace.Root, "one");
            moving = await ChildProcess.RunAsAsync(65534, "warnings", _workspace.Root, "two", "r-1");
        }
        else
        {
            report = string.Join('|', (await _workspace.TakeAsync("one")).Warnings);
            moving = await ChildProcess.RunAsync("warnings", _workspace.Root, "two", "r-1");
        }

        Assert.Contains("source/b: cannot open: Permission denied", report, StringComparison.Ordinal);
        Assert.Contains("source/z: cannot open: Permission denied", report, StringComparison.Ordinal);
        Assert.Contains("source/dir: cannot open: Permission denied; what it holds is not in this snapshot", report, StringComparison.Ordinal);
        Assert.StartsWith("refused: ", moving, StringComparison.Ordinal);
        var manifest = await (await _workspace.ReopenAsync()).Snapshots.GetAsync("one", Workspace.Cancellation);
        Assert.Equal(3, manifest.Entries);
        Assert.Equal(3, manifest.Warnings.Length);
    }

    public void Dispose() => _workspace.Dispose();

    private static void Append(string file)
    {
        using var stream = new FileStream(file, FileMode.Append);
        stream.WriteByte(1);
    }

    private static void Truncate(string file, long length)
    {
        using var stream = new FileStream(file, FileMode.Open);
        stream.SetLength(length);
    }

    private async Task<SnapshotTaken> TakeAsync(SnapshotRequest request, IProgress<ActivityProgress>? progress = null)
        => await new Snapshotter(await _workspace.RepositoryAsync(), new HurriedTime()).TakeAsync(request, progress, Workspace.Cancellation);

    private int Packs() => Directory.GetFiles(Path.Combine(_workspace.Store, "packs")).Length;

    private string Everything() => string.Join('\n', Directory.EnumerateFiles(_workspace.Store, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal));

    private string Write(string name, int length, int seed)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        var path = Path.Combine(_workspace.Source, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    /// <summary>Does something when the first bytes were read, on the thread that read them.</summary>
    private sealed class Once(Action act) : IProgress<ActivityProgress>
    {
        private int _done;

        public void Report(ActivityProgress value)
        {
            if (value.BytesDone > 0 && Interlocked.Exchange(ref _done, 1) == 0)
                act();
        }
    }

    /// <summary>A second passes whenever somebody looks, so that all progress is told.</summary>
    private sealed class HurriedTime : TimeProvider
    {
        private long _now;

        public override long GetTimestamp() => Interlocked.Add(ref _now, TimestampFrequency);
    }
}
