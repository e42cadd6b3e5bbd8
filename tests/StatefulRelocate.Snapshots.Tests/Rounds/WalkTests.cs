using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Rounds;

/// <summary>Directories are listed ahead of the walk, some at a time and not all of them.</summary>
public sealed class WalkTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task A_tree_wider_and_deeper_than_what_is_listed_ahead_arrives_whole()
    {
        for (var i = 0; i < 40; i++)
        {
            for (var j = 0; j < 6; j++)
                Write($"wide/d{i}/e{j}/file", $"{i} {j}");
            Write($"wide/d{i}/file", "between directories");
        }

        for (var i = 0; i < 600; i++)
            Write($"many/{(i % 100 == 50 ? $"d{i}/inside" : $"f{i}")}", $"{i}");
        Write(string.Join('/', Enumerable.Range(0, 60).Select(i => $"deep{i}")) + "/file", "at the end");
        await _workspace.MoveAsync();
        Directory.Delete(At("wide/d7"), recursive: true);
        Directory.Move(At("wide/d20/e3"), At("wide/d9/e9"));
        Write("many/d50/another", "new");
        await _workspace.MoveAsync();
        await _workspace.MoveAsync(final: true);
    }

    [Fact]
    public async Task Directories_that_a_filter_leaves_out_do_not_stand_in_the_way_of_those_behind_them()
    {
        for (var i = 0; i < 40; i++)
            Write($"d{i:00}/file", $"{i}");
        var taken = await TakeAsync(_workspace.Request() with { Filter = new Asked(entry => entry.IsDirectory && entry.Path != "d00" && entry.Path[^1] != '9') });
        await _workspace.RestoreAsync(taken.SnapshotId);
        Assert.Equal(["d00", "d09", "d19", "d29", "d39"], Directory.GetDirectories(_workspace.Target).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Directory.GetDirectories(_workspace.Target), directory => Assert.True(File.Exists(Path.Combine(directory, "file"))));
    }

    [Theory]
    [InlineData("")]
    [InlineData("first")]
    [InlineData("second")]
    public async Task A_final_round_refuses_a_directory_that_changes_while_it_is_walked(string where)
    {
        foreach (var name in new[] { "first", "second" })
            Write($"{name}/file", name);
        await _workspace.TakeAsync();
        await KernelClock.NextTickAsync(TimeProvider.System, Workspace.Cancellation);
        var intruding = new Asked(entry =>
        {
            if (entry.Path == Path.Combine(where, where.Length == 0 ? "second" : "file"))
                File.WriteAllText(At(Path.Combine(where, "zzz")), "something still writes");
            return false;
        });
        var error = await Assert.ThrowsAsync<RelocateException>(() => TakeAsync(_workspace.Request("final", final: true) with { Filter = intruding }));
        Assert.Contains("the directory changed while the final snapshot read it", error.Message, StringComparison.Ordinal);
        Assert.Null(await (await _workspace.RepositoryAsync()).Snapshots.FindAsync("final", Workspace.Cancellation));
    }

    public void Dispose() => _workspace.Dispose();

    private async Task<SnapshotTaken> TakeAsync(SnapshotRequest request)
        => await new Snapshotter(await _workspace.RepositoryAsync(), TimeProvider.System).TakeAsync(request, null, Workspace.Cancellation);

    private string At(string name) => _workspace.In(_workspace.Source, name);

    private void Write(string name, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllText(At(name), content);
    }
}
