using System.Diagnostics;
using StatefulRelocate.ObjectStores.Tests.Contract;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.Tests.Directories;

public sealed class DirectoryObjectStoreTests : ObjectStoreContract
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("directory-store-");

    private string Path => System.IO.Path.Combine(_root.FullName, "store");

    [Fact]
    public async Task A_leftover_temporary_file_is_not_an_object()
    {
        await Store.PutAsync("packs/a", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        await File.WriteAllTextAsync(System.IO.Path.Combine(Path, ".tmp", "left"), "x", Cancellation);
        Assert.Equal(["packs/a"], await NamesAsync(""));
    }

    [Fact]
    public async Task A_full_disk_is_one_clear_error_and_leaves_nothing()
    {
        Directory.CreateDirectory(Path);
        if (Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", Path) is { Code: not 0 } refused)
            Assert.Skip("a small file system cannot be mounted here: " + refused.Output.Trim());
        try
        {
            var error = await Assert.ThrowsAsync<ObjectStoreException>(() => Store.PutAsync("packs/a", new byte[1 << 20], PutCondition.IfAbsent, Cancellation));
            Assert.Contains("cannot write 'packs/a'", error.Message, StringComparison.Ordinal);
            Assert.Empty(Directory.GetFiles(Path, "*", SearchOption.AllDirectories));
            Assert.NotNull(await Store.PutAsync("packs/a", new byte[1 << 10], PutCondition.IfAbsent, Cancellation));
        }
        finally
        {
            Run("umount", Path);
        }
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_is_one_clear_error()
    {
        await File.WriteAllTextAsync(System.IO.Path.Combine(_root.FullName, "file"), "", Cancellation);
        var store = DirectoryObjectStore.Open(System.IO.Path.Combine(_root.FullName, "file", "store"));
        var error = await Assert.ThrowsAsync<ObjectStoreException>(() => store.PutAsync("config", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation));
        Assert.Contains("dir:", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_that_is_gone_has_no_time_and_is_not_made_anew()
    {
        var error = await Assert.ThrowsAsync<ObjectStoreException>(() => Store.ServerTimeAsync(Cancellation));
        Assert.Contains("is it mounted?", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path));
    }

    [Fact]
    public async Task A_writer_that_slept_through_a_deletion_finds_its_version_gone()
    {
        var first = await Store.PutAsync("leases/web", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        await Store.DeleteAsync("leases/web", Cancellation);
        await Store.PutAsync("leases/web", new byte[] { 2 }, PutCondition.IfAbsent, Cancellation);
        Assert.Null(await Store.PutAsync("leases/web", new byte[] { 3 }, PutCondition.IfMatch(first!), Cancellation));
    }

    [Theory]
    [InlineData(8 << 20)]
    [InlineData((8 << 20) + 1)]
    [InlineData((8 << 20) + 4095)]
    public async Task A_large_object_that_begins_with_a_page_is_written_whole(int length)
    {
        const int page = 4096;
        var memory = GC.AllocateUninitializedArray<byte>(length + page, pinned: true);
        new Random(1).NextBytes(memory);
        var past = (int)(System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(memory, 0) % page);
        var content = memory.AsMemory((page - past) % page, length);
        Assert.NotNull(await Store.PutAsync("packs/a", content, PutCondition.IfAbsent, Cancellation));
        var stored = await Store.GetAsync("packs/a", Cancellation);
        Assert.True(content.Span.SequenceEqual(stored!.Content));
        Assert.Equal(["packs/a"], await NamesAsync(""));
    }

    protected override ValueTask<IObjectStore> OpenAsync() => ValueTask.FromResult<IObjectStore>(DirectoryObjectStore.Open(Path));

    protected override ValueTask CleanUpAsync()
    {
        _root.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    private static (int Code, string Output) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }
}
