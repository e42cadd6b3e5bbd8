using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Hostile;

/// <summary>Snapshots sealed by somebody who has the key and means harm, and targets in which a trap was laid.</summary>
public sealed class HostileSnapshotTests : IDisposable
{
    private readonly Workspace _workspace = new();

    private string Outside => Path.Combine(_workspace.Root, "outside");

    [Theory]
    [InlineData("../outside/file")]
    [InlineData("/etc/relocate-was-here")]
    [InlineData("a/../../outside/file")]
    [InlineData("./file")]
    [InlineData("a//b")]
    public async Task A_path_that_leads_outside_is_refused(string path)
    {
        await SealAsync(Root(), Directory("a"), new TreeEntry { Volume = 0, Path = path, Type = EntryType.File, Mode = 0x1A4 });
        await RefusedAsync();
    }

    [Fact]
    public async Task A_file_below_a_symbolic_link_is_refused()
    {
        await SealAsync(Root(), new TreeEntry { Volume = 0, Path = "a", Type = EntryType.SymbolicLink, Mode = 0x1FF, LinkTarget = Outside },
            new TreeEntry { Volume = 0, Path = "a/file", Type = EntryType.File, Mode = 0x1A4 });
        await RefusedAsync();
    }

    [Theory]
    [InlineData("../outside/secret")]
    [InlineData("/etc/passwd")]
    [InlineData("missing")]
    public async Task A_hard_link_to_the_outside_is_refused(string target)
    {
        await SealAsync(Root(), new TreeEntry { Volume = 0, Path = "link", Type = EntryType.HardLink, LinkTarget = target });
        await RefusedAsync();
    }

    [Fact]
    public async Task A_device_node_is_refused()
    {
        await SealAsync(Root(), new TreeEntry { Volume = 0, Path = "null", Type = EntryType.Device, Mode = 0x1B6 });
        await RefusedAsync();
    }

    [Fact]
    public async Task A_size_that_the_map_does_not_hold_allocates_nothing()
    {
        await SealAsync(Root(), new TreeEntry { Volume = 0, Path = "bomb", Type = EntryType.File, Mode = 0x1A4, Size = long.MaxValue / 2 });
        await RefusedAsync();
    }

    [Fact]
    public async Task A_symbolic_link_lying_in_the_target_is_replaced_and_not_followed()
    {
        System.IO.Directory.CreateDirectory(Outside);
        await File.WriteAllTextAsync(Path.Combine(Outside, "file"), "untouched", Workspace.Cancellation);
        System.IO.Directory.CreateDirectory(Path.Combine(_workspace.Source, "a"));
        await File.WriteAllTextAsync(Path.Combine(_workspace.Source, "a", "file"), "from the snapshot", Workspace.Cancellation);
        await File.WriteAllTextAsync(Path.Combine(_workspace.Source, "b"), "from the snapshot", Workspace.Cancellation);
        File.CreateSymbolicLink(Path.Combine(_workspace.Target, "a"), Outside);
        File.CreateSymbolicLink(Path.Combine(_workspace.Target, "b"), Path.Combine(Outside, "file"));
        await _workspace.MoveAsync();
        Assert.Equal("untouched", await File.ReadAllTextAsync(Path.Combine(Outside, "file"), Workspace.Cancellation));
    }

    [Fact]
    public async Task A_hard_link_from_the_target_to_the_outside_is_cut_and_not_written_through()
    {
        System.IO.Directory.CreateDirectory(Outside);
        var outside = Path.Combine(Outside, "file");
        await File.WriteAllTextAsync(outside, "untouched", Workspace.Cancellation);
        await File.WriteAllTextAsync(Path.Combine(_workspace.Source, "file"), "from the snapshot", Workspace.Cancellation);
        TreeComparison.Run("ln", outside, Path.Combine(_workspace.Target, "file"));
        await _workspace.MoveAsync();
        Assert.Equal("untouched", await File.ReadAllTextAsync(outside, Workspace.Cancellation));
    }

    public void Dispose() => _workspace.Dispose();

    private static TreeEntry Root() => Directory("");

    private static TreeEntry Directory(string path) => new() { Volume = 0, Path = path, Type = EntryType.Directory, Mode = 0x1ED };

    private async Task SealAsync(params TreeEntry[] entries)
    {
        var repository = await _workspace.RepositoryAsync();
        using var writer = new LayerWriter(repository, _ => { }, Workspace.Cancellation);
        foreach (var entry in entries)
            await writer.PutAsync(entry, null);
        var parts = await writer.FinishAsync();
        await repository.Snapshots.PutAsync(new SnapshotManifest
        {
            Id = "hostile",
            App = "web",
            CreatedAt = DateTimeOffset.UnixEpoch,
            Volumes = ["data"],
            Layers = [[.. parts]],
            RootHash = TreeHash.Root(repository.Keys, entries.Select(e => e with { Digest = TreeHash.Entry(repository.Keys, e) })),
        }, _ => { }, Workspace.Cancellation);
    }

    private async Task RefusedAsync()
    {
        await Assert.ThrowsAsync<DamageException>(() => _workspace.RestoreAsync("hostile"));
        Assert.Empty(System.IO.Directory.GetFileSystemEntries(_workspace.Target));
        Assert.False(System.IO.Directory.Exists(Outside));
        Assert.False(File.Exists("/etc/relocate-was-here"));
    }
}
