using System.Globalization;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Restores;

/// <summary>Restores over what is there: what they may believe, what they must not, and how much they write.</summary>
public sealed class InPlaceTests : IDisposable
{
    private const int Page = 8192;
    private readonly Workspace _workspace = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stale_file_of_the_same_size_and_time_is_put_right(bool journal)
    {
        Write("file", 100_000, 1);
        await _workspace.MoveAsync();
        var target = In(_workspace.Target, "file");
        var time = File.GetLastWriteTimeUtc(target);
        var stale = new byte[100_000];
        new Random(99).NextBytes(stale);
        await File.WriteAllBytesAsync(target, stale, Workspace.Cancellation);
        File.SetLastWriteTimeUtc(target, time);
        if (!journal)
            Directory.Delete(_workspace.TargetJournal, recursive: true);
        await MoveAgainAsync();
    }

    [Fact]
    public async Task A_file_replaced_by_another_inode_of_the_same_size_and_time_is_put_right()
    {
        Write("file", 100_000, 1);
        await _workspace.MoveAsync();
        var target = In(_workspace.Target, "file");
        await File.WriteAllBytesAsync(target + ".x", new byte[100_000], Workspace.Cancellation);
        TreeComparison.Run("touch", "-r", target, target + ".x");
        File.Move(target + ".x", target, overwrite: true);
        await MoveAgainAsync();
    }

    [Fact]
    public async Task Only_the_pages_that_changed_are_written_and_read()
    {
        Write("file", 1000 * Page, 1);
        await _workspace.MoveAsync();
        Poke("file", 17 * Page);
        Poke("file", 500 * Page + 5);
        Poke("file", 501 * Page + 5);
        var (_, restored) = await _workspace.MoveAsync();
        Assert.Equal(3 * Page, restored.Figures.BytesChanged);
        Assert.Equal(3 * Page, restored.Figures.BytesScanned);
    }

    [Fact]
    public async Task Without_a_journal_everything_is_compared_and_only_what_differs_is_written()
    {
        Write("file", 1000 * Page, 1);
        Write("small", 3000, 2);
        await _workspace.MoveAsync();
        Poke("file", 17 * Page);
        Directory.Delete(_workspace.TargetJournal, recursive: true);
        var (_, restored) = await _workspace.MoveAsync();
        Assert.Equal(Page, restored.Figures.BytesChanged);
        Assert.Equal(1001 * Page + 3000, restored.Figures.BytesScanned);
    }

    [Theory]
    [InlineData("the mark of a restore that did not end")]
    [InlineData("a damaged table")]
    [InlineData("a damaged record")]
    [InlineData("records that are gone")]
    public async Task A_doubtful_journal_is_not_believed(string doubt)
    {
        Write("file", 1000 * Page, 1);
        await _workspace.MoveAsync();
        var (table, chunks) = (In(_workspace.TargetJournal, "target.journal"), In(_workspace.TargetJournal, "target.chunks"));
        switch (doubt)
        {
            case "the mark of a restore that did not end":
                await File.WriteAllTextAsync(In(_workspace.TargetJournal, "target.dirty"), "", Workspace.Cancellation);
                break;
            case "a damaged table":
                Flip(table, 300);
                break;
            case "a damaged record":
                Flip(chunks, 300);
                break;
            default:
                File.Delete(chunks);
                break;
        }

        // A foreign write whose times were put back: only a comparison finds it.
        var target = In(_workspace.Target, "file");
        var time = File.GetLastWriteTimeUtc(target);
        Flip(target, 700 * Page);
        File.SetLastWriteTimeUtc(target, time);
        Poke("file", 17 * Page);
        var (_, restored) = await _workspace.MoveAsync();
        Assert.Equal(2 * Page, restored.Figures.BytesChanged);
        Assert.Equal(1002 * Page, restored.Figures.BytesScanned);

        // And the journal is believed again.
        Poke("file", 18 * Page);
        (_, restored) = await _workspace.MoveAsync();
        Assert.Equal(Page, restored.Figures.BytesScanned);
    }

    [Fact]
    public async Task A_sparse_file_stays_sparse_and_a_dense_one_becomes_it()
    {
        Sparse("sparse", 64 << 20, 30 << 20);
        Write("filled", 16 << 20, 3);
        await _workspace.MoveAsync();
        Assert.True(Allocated("sparse") < 1 << 20);

        // Data becomes a hole, a hole gets data, and what is a hole in the snapshot was filled on the target by somebody.
        Sparse("sparse", 64 << 20, 50 << 20);
        Sparse("filled", 16 << 20, 1 << 20);
        using (var file = File.OpenWrite(In(_workspace.Target, "sparse")))
            file.Write(new byte[8 << 20]);
        await _workspace.MoveAsync();
        Assert.True(Allocated("sparse") < 1 << 20, $"{Allocated("sparse")} bytes");
        Assert.True(Allocated("filled") < 1 << 20, $"{Allocated("filled")} bytes");
    }

    [Theory]
    [InlineData(3 * Page + 5, Page)]
    [InlineData(3 * Page + 5, 3 * Page)]
    [InlineData(3 * Page + 5, 3 * Page + 4)]
    [InlineData(3 * Page + 5, 3 * Page + 6)]
    [InlineData(3 * Page + 5, 4 * Page + 1)]
    [InlineData(600 * Page + 5, 20)]
    [InlineData(20, 600 * Page + 5)]
    [InlineData(600 * Page + 5, 0)]
    [InlineData(0, 1)]
    public async Task A_file_that_is_cut_or_grows_arrives(int before, int after)
    {
        Write("file", before, 1);
        await _workspace.MoveAsync();
        using (var file = File.OpenWrite(In(_workspace.Source, "file")))
            file.SetLength(after);
        await _workspace.MoveAsync();
    }

    [Fact]
    public async Task Hard_links_that_come_go_and_part_arrive()
    {
        Write("a", 100_000, 1);
        Write("z", 5000, 2);
        Shell("ln a b; mkdir d; ln a d/c; ln z d/z");
        await _workspace.MoveAsync();
        Poke("a", 50_000);
        await _workspace.MoveAsync();
        Shell("rm a; ln b e");
        await _workspace.MoveAsync();
        Shell("cp b x; mv x b; ln e f; rm z");
        await _workspace.MoveAsync();
        Shell("rm -r d; ln b d; ln -f f b");
        await _workspace.MoveAsync(final: true);
    }

    [Fact]
    public async Task A_group_of_hard_links_is_patched_and_not_written_anew()
    {
        Write("a", 1000 * Page, 1);
        Shell("ln a b");
        await _workspace.MoveAsync();
        Poke("a", 17 * Page);
        var (_, restored) = await _workspace.MoveAsync();
        Assert.Equal(Page, restored.Figures.BytesChanged);
    }

    [Fact]
    public async Task A_name_that_becomes_another_kind_of_thing_arrives()
    {
        Shell("mkdir a a/b; echo x >a/b/c; echo y >d; ln -s d e; mkfifo f; mkdir g");
        await _workspace.MoveAsync();
        Shell("rm -r a; echo z >a; rm d; mkdir d d/e; echo w >d/e/f; rm e; mkdir e; rm f; ln -s nowhere f; rmdir g; mkfifo g");
        await _workspace.MoveAsync();
    }

    [Fact]
    public async Task Several_volumes_arrive_each_where_it_belongs()
    {
        var (one, two) = (In(_workspace.Root, "v1"), In(_workspace.Root, "v2"));
        Directory.CreateDirectory(one);
        Directory.CreateDirectory(two);
        Write("same", 100_000, 1);
        var repository = await _workspace.RepositoryAsync();
        for (var round = 0; round < 3; round++)
        {
            await File.WriteAllTextAsync(In(one, "same"), $"one {round}", Workspace.Cancellation);
            await File.WriteAllTextAsync(In(two, $"only-{round}"), "two", Workspace.Cancellation);
            var request = _workspace.Request($"many-{round}") with { Volumes = [new("data", _workspace.Source), new("one", one), new("two", two)] };
            await new Snapshotter(repository, TimeProvider.System).TakeAsync(request, null, Workspace.Cancellation);
            var targets = new[] { "t0", "t1", "t2" }.Select(t => Directory.CreateDirectory(In(_workspace.Root, t)).FullName).ToArray();
            await new Restorer(repository, TimeProvider.System).RestoreAsync(
                new() { SnapshotId = $"many-{round}", Volumes = [new("two", targets[2]), new("data", targets[0]), new("one", targets[1])], JournalDirectory = _workspace.TargetJournal }, null, Workspace.Cancellation);
            TreeComparison.RequireEqual(_workspace.Source, targets[0]);
            TreeComparison.RequireEqual(one, targets[1]);
            TreeComparison.RequireEqual(two, targets[2]);
        }
    }

    [Fact]
    public async Task Small_files_are_fetched_once_and_by_few_requests()
    {
        for (var i = 0; i < 2000; i++)
            Write($"d{i / 100}/f{i}", 1024 + i * 13 % 30_000, i);
        var taken = await _workspace.TakeAsync();
        var stored = Directory.GetFiles(In(_workspace.Store, "packs")).Sum(p => new FileInfo(p).Length);
        var store = new HeldStore(ObjectStores.DirectoryObjectStore.Open(_workspace.Store), "nothing/");
        var repository = await Repository.OpenAsync(store, Keys.RepositoryKey.FromKeyFile(_workspace.KeyFile), Workspace.Cancellation);
        var restored = await new Restorer(repository, TimeProvider.System).RestoreAsync(
            new() { SnapshotId = taken.SnapshotId, Volumes = [new("data", _workspace.Target)], JournalDirectory = _workspace.TargetJournal }, null, Workspace.Cancellation);
        Assert.True(store.RangeBytes < stored * 1.5, $"{store.RangeBytes} bytes of {stored} were fetched");
        Assert.True(store.Read.Count(name => name.StartsWith("packs/", StringComparison.Ordinal)) < 200, $"{store.Read.Count} requests");
        Assert.Equal(taken.Figures.BytesChanged, restored.Figures.BytesChanged);
        await MoveAgainAsync();
    }

    [Fact]
    public async Task A_cancelled_restore_ends_and_the_next_finishes_it()
    {
        for (var i = 0; i < 40; i++)
            Write($"f{i}", 500_000, i);
        var taken = await _workspace.TakeAsync();
        using var cancelling = new CancellationTokenSource();
        var progress = new FirstBytes(cancelling);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await new Restorer(await _workspace.RepositoryAsync(), TimeProvider.System).RestoreAsync(
            new() { SnapshotId = taken.SnapshotId, Volumes = [new("data", _workspace.Target)], JournalDirectory = _workspace.TargetJournal }, progress, cancelling.Token));
        await MoveAgainAsync();
    }

    [Fact]
    public async Task A_plain_user_restores_with_the_owners_that_it_may_set_and_verifies()
    {
        Assert.SkipUnless(Environment.UserName == "root", "only root can become another user");
        Write("d/file", 100_000, 1);
        Shell("chown 1234:1234 d/file; chmod 0400 d/file; chmod 0500 d; ln -s x link");
        await _workspace.TakeAsync("one");
        Shell("chmod 0700 d d/file; echo more >>d/file; chmod 0400 d/file; chmod 0500 d");
        await _workspace.TakeAsync("two");
        TreeComparison.Run("chmod", "-R", "a+rX", _workspace.Root);
        TreeComparison.Run("chown", "-R", "65534:65534", _workspace.Target);
        Directory.CreateDirectory(_workspace.TargetJournal);
        TreeComparison.Run("chown", "-R", "65534:65534", _workspace.TargetJournal);
        foreach (var id in new[] { "one", "two", "two" })
        {
            var (code, output) = ChildProcess.RunAs(65534, "restore", _workspace.Root, id);
            Assert.SkipWhen(output.Contains("ermission denied", StringComparison.Ordinal) && output.Contains(".dll", StringComparison.Ordinal), "another user may not read this program");
            Assert.True(code == 0, output);
            (code, output) = ChildProcess.RunAs(65534, "verify", _workspace.Root, id);
            Assert.True(code == 0 && output.Contains("matches", StringComparison.Ordinal), output);
        }

        Assert.Equal(File.ReadAllBytes(In(_workspace.Source, "d/file")), File.ReadAllBytes(In(_workspace.Target, "d/file")));
        Assert.Equal("65534 400", TreeComparison.Run("stat", "-c", "%u %a", In(_workspace.Target, "d/file")).Output.Trim());
    }

    public void Dispose() => _workspace.Dispose();

    private static string In(string directory, string name) => Path.Combine(directory, name);

    private static void Flip(string path, long offset)
    {
        using var file = File.Open(path, FileMode.Open);
        file.Position = offset;
        var value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 1));
    }

    private async Task MoveAgainAsync() => await _workspace.MoveAsync();

    private void Poke(string name, long offset) => Flip(In(_workspace.Source, name), offset);

    private void Write(string name, int length, int seed)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        Directory.CreateDirectory(Path.GetDirectoryName(In(_workspace.Source, name))!);
        File.WriteAllBytes(In(_workspace.Source, name), content);
    }

    private void Sparse(string name, long length, long dataAt)
    {
        File.Delete(In(_workspace.Source, name));
        using var file = File.Create(In(_workspace.Source, name));
        file.SetLength(length);
        file.Position = dataAt;
        file.Write("data"u8);
    }

    private long Allocated(string name) => long.Parse(TreeComparison.Run("stat", "-c", "%b", In(_workspace.Target, name)).Output, CultureInfo.InvariantCulture) * 512;

    private void Shell(string script)
    {
        var (code, output) = TreeComparison.Run("sh", "-ec", $"cd '{_workspace.Source}'\n{script}");
        Assert.True(code == 0, output);
    }

    private sealed class FirstBytes(CancellationTokenSource cancelling) : IProgress<ActivityProgress>
    {
        public void Report(ActivityProgress value) => cancelling.Cancel();
    }
}
