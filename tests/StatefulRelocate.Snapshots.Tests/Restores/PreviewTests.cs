using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Restores;

/// <summary>What a restore says that it would do is what it then does, and saying it changes nothing.</summary>
public sealed class PreviewTests : IDisposable
{
    private const int Page = 8192;
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task Into_a_directory_that_is_not_there_everything_would_be_made_and_holes_cost_nothing()
    {
        Source("head -c 100000 /dev/urandom >file; ln file link; ln -s file symlink; mkfifo fifo; mkdir -p d/e; truncate -s 100M sparse; printf data | dd of=sparse bs=1 seek=50000000 conv=notrunc status=none");
        await _workspace.TakeAsync("one");
        Directory.Delete(_workspace.Target);

        var preview = await PreviewAsync("one");

        Assert.Equal(new ChangedNames(8, 100_000 + Page), preview.Made);
        Assert.All([preview.Changed, preview.Metadata, preview.Removed], none => Assert.Equal(new ChangedNames(0, 0), none));
        Assert.False(Directory.Exists(_workspace.Target));
        Assert.False(Directory.Exists(_workspace.TargetJournal));
        Directory.CreateDirectory(_workspace.Target);
        Assert.Equal(preview.Figures.BytesShipped, (await _workspace.RestoreAsync("one")).Figures.BytesShipped);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task In_place_each_name_is_told_with_its_kind_and_its_bytes(bool journal)
    {
        Source("head -c 8192000 /dev/urandom >file; echo right >right; echo text >mode; echo gone >only-here; ln right second-name; mkdir d; echo x >d/x");
        await _workspace.MoveAsync();
        Source("printf changed | dd of=file bs=1 seek=139264 conv=notrunc status=none; chmod 600 mode; rm only-here; echo brand-new >new; rm -r d; echo instead >d");
        await _workspace.TakeAsync("two");
        Target("head -c 5000 /dev/zero >stray; mkdir strays; echo y >strays/y");
        if (!journal)
            Directory.Delete(_workspace.TargetJournal, recursive: true);
        var before = Everything();

        var preview = await PreviewAsync("two");

        Assert.Equal(
            ["U .", "M d 8", "- d/x 2", $"M file {Page}", "U mode", "+ new 10", "- only-here 5", "- stray 5000", "- strays", "- strays/y 2"],
            preview.Differences.Select(each => $"{each.Kind} {(each.Path.Length == 0 ? "." : each.Path)}{(each.BytesChanged > 0 ? $" {each.BytesChanged}" : "")}"));
        Assert.Equal((new ChangedNames(1, 10), new ChangedNames(2, Page + 8), new ChangedNames(2, 0), new ChangedNames(5, 5009), 2L),
            (preview.Made, preview.Changed, preview.Metadata, preview.Removed, preview.Unchanged));
        Assert.Equal(before, Everything());
        Assert.Equal(preview.Figures.BytesShipped, (await _workspace.RestoreAsync("two")).Figures.BytesShipped);
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
        var after = await PreviewAsync("two");
        Assert.Empty(after.Differences);
        Assert.Equal(7, after.Unchanged);
    }

    [Fact]
    public async Task A_file_that_has_a_name_outside_would_be_written_anew_and_removing_it_frees_nothing()
    {
        Source("head -c 100000 /dev/urandom >file; echo x >other");
        await _workspace.MoveAsync();
        Target($"ln file '{_workspace.Root}/outside-file'; ln other '{_workspace.Root}/outside-other'; printf c | dd of=file conv=notrunc status=none");
        Source("rm other");
        await _workspace.TakeAsync("two");

        var preview = await PreviewAsync("two");

        Assert.Equal((new ChangedNames(1, 100_000), new ChangedNames(1, 0)), (preview.Changed, preview.Removed));
        Assert.Equal(preview.Figures.BytesShipped, (await _workspace.RestoreAsync("two")).Figures.BytesShipped);
    }

    [Fact]
    public async Task A_damaged_journal_is_not_believed()
    {
        Source("head -c 8192000 /dev/urandom >file");
        await _workspace.MoveAsync();
        Source("printf changed | dd of=file bs=1 seek=139264 conv=notrunc status=none");
        await _workspace.TakeAsync("two");
        var chunks = Path.Combine(_workspace.TargetJournal, "target.chunks");
        var content = await File.ReadAllBytesAsync(chunks, Workspace.Cancellation);
        Array.Fill(content, (byte)0x5A);
        await File.WriteAllBytesAsync(chunks, content, Workspace.Cancellation);

        var preview = await PreviewAsync("two");

        Assert.Equal(Page, preview.Changed.Bytes);
        Assert.Equal(8_192_000, preview.Figures.BytesScanned);
    }

    [Fact]
    public async Task What_this_program_keeps_in_a_volume_is_neither_told_nor_verified()
    {
        Source("echo x >x");
        var (taken, _) = await _workspace.MoveAsync();
        Target("touch -r . ../time; mkdir -m 700 .relocate-reflinks; echo clone >.relocate-reflinks/clone; touch -r ../time .");

        Assert.Empty((await PreviewAsync(taken.SnapshotId)).Differences);
        Assert.True((await _workspace.VerifyAsync(taken.SnapshotId)).Matches);
    }

    [Fact]
    public async Task A_directory_of_that_name_that_is_somebody_elses_is_left_alone()
    {
        Assert.SkipUnless(Environment.UserName == "root", "only root can give a directory away");
        Source("echo x >x");
        await _workspace.MoveAsync();
        Target("mkdir .relocate-reflinks; echo theirs >.relocate-reflinks/file; chown 65534 .relocate-reflinks");

        await _workspace.RestoreAsync("s-1");

        Assert.Equal("theirs\n", await File.ReadAllTextAsync(Path.Combine(_workspace.Target, ".relocate-reflinks/file"), Workspace.Cancellation));
        Assert.True((await _workspace.VerifyAsync("s-1")).Matches);
    }

    public void Dispose() => _workspace.Dispose();

    private async Task<RestorePreview> PreviewAsync(string id) => await new Restorer(await _workspace.RepositoryAsync(), TimeProvider.System).PreviewAsync(
        new RestoreRequest { SnapshotId = id, Volumes = [new VolumePath("data", _workspace.Target)], JournalDirectory = _workspace.TargetJournal }, null, Workspace.Cancellation);

    private void Source(string script) => Shell(_workspace.Source, script);

    private void Target(string script) => Shell(_workspace.Target, script);

    /// <summary>The target and its journal, as stat sees them; of what is read the times of access may move.</summary>
    private string Everything() => Shell(_workspace.Root, "find target target-journal repo -printf '%p %y %m %U %s %T@ %C@ %i\\n' 2>/dev/null | sort; find target -type f -exec sha256sum {} + | sort");

    private static string Shell(string directory, string script)
    {
        var (code, output) = TreeComparison.Run("sh", "-c", $"cd '{directory}' && {{ {script}; }}");
        Assert.True(code == 0, output);
        return output;
    }
}
