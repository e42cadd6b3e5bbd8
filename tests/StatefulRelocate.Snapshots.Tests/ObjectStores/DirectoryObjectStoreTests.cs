using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots.Leases;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.ObjectStores;

public sealed class DirectoryObjectStoreTests : ObjectStoreContract, IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("data-store-").FullName;

    protected override IObjectStore Store => field ??= DirectoryObjectStore.Open(Path.Combine(_root, "store"));

    [Fact]
    public async Task Two_processes_never_lose_a_change_of_the_writer_record()
    {
        using var workspace = new Workspace();
        var repository = await workspace.RepositoryAsync();
        const int wins = 25;
        await Task.WhenAll(ChildProcess.RunAsync("swap", workspace.Root, "a", $"{wins}"), ChildProcess.RunAsync("swap", workspace.Root, "b", $"{wins}"));
        var record = await new WriterRecordStore(repository).ReadAsync("web", Cancellation);

        // Each win raised the epoch it had read by one: a lost change would leave it lower.
        Assert.Equal(2 * wins, record!.Record.Epoch);
    }

    [Fact]
    public async Task A_leftover_temporary_file_is_not_an_object()
    {
        await Store.PutAsync("packs/a", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        await File.WriteAllTextAsync(Path.Combine(_root, "store", ".tmp", "left"), "x", Cancellation);
        Assert.Equal(["packs/a"], await Store.ListAsync("", Cancellation).ToListAsync(Cancellation));
    }

    [Fact]
    public async Task A_full_disk_is_one_clear_error_and_leaves_nothing()
    {
        if (!File.Exists("/dev/full"))
            Assert.Skip("no /dev/full here");
        Directory.CreateDirectory(Path.Combine(_root, "store"));
        var mounted = TreeComparison.Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", Path.Combine(_root, "store"));
        if (mounted.Code != 0)
            Assert.Skip("a small file system cannot be mounted here: " + mounted.Output.Trim());
        try
        {
            var error = await Assert.ThrowsAsync<ObjectStoreException>(() => Store.PutAsync("packs/a", new byte[1 << 20], PutCondition.IfAbsent, Cancellation));
            Assert.Contains("cannot write 'packs/a'", error.Message, StringComparison.Ordinal);
            Assert.Empty(Directory.GetFiles(Path.Combine(_root, "store"), "*", SearchOption.AllDirectories));
            Assert.NotNull(await Store.PutAsync("packs/a", new byte[1 << 10], PutCondition.IfAbsent, Cancellation));
        }
        finally
        {
            TreeComparison.Run("umount", Path.Combine(_root, "store"));
        }
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_is_one_clear_error()
    {
        await File.WriteAllTextAsync(Path.Combine(_root, "file"), "", Cancellation);
        var store = DirectoryObjectStore.Open(Path.Combine(_root, "file", "store"));
        var error = await Assert.ThrowsAsync<ObjectStoreException>(() => store.PutAsync("config", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation));
        Assert.Contains("dir:", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
