using StatefulRelocate.Snapshots.Index;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Tests.Fixtures;
using StatefulRelocate.TestSupport.FileSystems;

namespace StatefulRelocate.Snapshots.Tests.Index;

public sealed class IndexCacheTests : IDisposable
{
    private readonly Workspace _workspace = new();

    private string Cache => Path.Combine(_workspace.Root, "index.cache");

    [Fact]
    public async Task A_cached_index_answers_as_the_objects_do_and_takes_in_what_came_since()
    {
        var repository = await _workspace.RepositoryAsync();
        repository.Index.UseCache(Cache);
        await PutAsync(repository, 1, 40_000);
        await repository.Index.RefreshAsync(Workspace.Cancellation);
        await repository.Index.SaveCacheAsync(Workspace.Cancellation);
        Assert.True(File.Exists(Cache));
        await PutAsync(repository, 2, 100);

        var other = await _workspace.ReopenAsync();
        other.Index.UseCache(Cache);
        await other.Index.RefreshAsync(Workspace.Cancellation);
        foreach (var (seed, count) in new[] { (1, 40_000), (2, 100) })
        {
            for (var i = 0; i < count; i += 7)
            {
                var (expected, found) = (repository.Index.Find(Id(seed, i))!.Value, other.Index.Find(Id(seed, i))!.Value);
                Assert.Equal(expected with { Pack = 0 }, found with { Pack = 0 });
                var (pack, cached) = (repository.Index.Pack(expected.Pack), other.Index.Pack(found.Pack));
                Assert.Equal((pack.Name, pack.Size), (cached.Name, cached.Size));
                Assert.Equal(pack.Segments, cached.Segments, static (one, another) => one with { Ids = [], Lengths = [] } == another with { Ids = [], Lengths = [] });
                Assert.Equal(i % 32 * 100, found.Offset);
                Assert.Equal(i / 32 % 8, found.Segment);
            }
        }

        Assert.Null(other.Index.Find(Id(3, 1)));
        Assert.False(other.Index.Contains(default));
    }

    [Fact]
    public async Task What_is_too_much_for_memory_goes_to_the_cache_while_it_is_loaded()
    {
        var repository = await _workspace.RepositoryAsync();
        repository.Index.UseCache(Cache);
        for (var part = 1; part <= 3; part++)
            await PutAsync(repository, part, 256 * 1024);
        Assert.True(File.Exists(Cache));
        foreach (var index in new[] { repository.Index, (await _workspace.ReopenAsync()).Index })
        {
            index.UseCache(Cache);
            await index.RefreshAsync(Workspace.Cancellation);
            for (var part = 1; part <= 3; part++)
            {
                for (var i = 0; i < 256 * 1024; i += 97)
                    Assert.Equal($"packs/{part:x8}{i / 256:x24}", index.Pack(index.Find(Id(part, i))!.Value.Pack).Name);
            }
        }
    }

    [Fact]
    public async Task On_a_full_disk_there_is_no_cache_and_no_harm()
    {
        using var loop = LoopFileSystem.Create("ext4", 16);
        var repository = await _workspace.RepositoryAsync();
        repository.Index.UseCache(loop.In("index.cache"));
        await PutAsync(repository, 1, 40_000);
        await repository.Index.RefreshAsync(Workspace.Cancellation);
        await Assert.ThrowsAnyAsync<IOException>(() => File.WriteAllBytesAsync(loop.In("full"), new byte[64 << 20], Workspace.Cancellation));
        await repository.Index.SaveCacheAsync(Workspace.Cancellation);
        Assert.False(File.Exists(loop.In("index.cache")));
        Assert.NotNull(repository.Index.Find(Id(1, 7)));

        File.Delete(loop.In("full"));
        await repository.Index.SaveCacheAsync(Workspace.Cancellation);
        Assert.True(File.Exists(loop.In("index.cache")));
    }

    [Theory]
    [InlineData("removed object")]
    [InlineData("another repository")]
    [InlineData("flipped head")]
    [InlineData("cut off")]
    [InlineData("flipped slot after another boot")]
    public async Task A_cache_that_does_not_fit_is_ignored(string why)
    {
        var repository = await _workspace.RepositoryAsync();
        repository.Index.UseCache(Cache);
        await PutAsync(repository, 1, 40_000);
        await repository.Index.SaveCacheAsync(Workspace.Cancellation);
        var content = await File.ReadAllBytesAsync(Cache, Workspace.Cancellation);
        var (id, boot) = (repository.Id, Native.KernelClock.BootId());
        switch (why)
        {
            case "removed object":
                foreach (var file in Directory.GetFiles(Path.Combine(_workspace.Store, "index")))
                    File.Delete(file);
                await PutAsync(repository, 2, 10);
                break;
            case "another repository":
                id = (id[0] == '0' ? "1" : "0") + id[1..];
                break;
            case "flipped head":
                content[^40] ^= 1;
                break;
            case "cut off":
                content = content[..^1];
                break;
            default:
                // A head of another boot, and so another checksum of it.
                var head = content.AsSpan(content.Length - 24 - (int)BitConverter.ToInt64(content, content.Length - 24), (int)BitConverter.ToInt64(content, content.Length - 24));
                var at = head.IndexOf(System.Text.Encoding.UTF8.GetBytes(boot));
                head[at] = head[at] == (byte)'0' ? (byte)'1' : (byte)'0';
                BitConverter.TryWriteBytes(content.AsSpan(content.Length - 8), System.IO.Hashing.XxHash3.HashToUInt64([.. head, .. content.AsSpan(content.Length - 24, 16)]));
                await File.WriteAllBytesAsync(Cache, content, Workspace.Cancellation);
                using (var whole = IndexCache.Open(Cache, id))
                    Assert.NotNull(whole);
                content[100] ^= 1;
                break;
        }

        await File.WriteAllBytesAsync(Cache, content, Workspace.Cancellation);
        if (why != "removed object")
            Assert.Null(IndexCache.Open(Cache, id));
        var other = await _workspace.ReopenAsync();
        other.Index.UseCache(Cache);
        await other.Index.RefreshAsync(Workspace.Cancellation);
        Assert.Equal(why != "removed object", other.Index.Contains(Id(1, 5)));
    }

    public void Dispose() => _workspace.Dispose();

    private static UInt128 Id(int seed, int i) => (UInt128)System.IO.Hashing.XxHash128.HashToUInt128(BitConverter.GetBytes(((long)seed << 32) + i));

    private static async Task PutAsync(Repository repository, int seed, int count)
    {
        var tables = new List<PackTable>();
        for (var pack = 0; pack * 256 < count; pack++)
        {
            tables.Add(new PackTable($"packs/{seed:x8}{pack:x24}", 1 << 20,
            [
                .. Enumerable.Range(0, 8).Select(s => new PackSegment(
                    s * 4000, 4000, 3200, true, [.. Enumerable.Range(0, 32).Select(b => Id(seed, pack * 256 + s * 32 + b))], [.. Enumerable.Repeat((ushort)100, 32)])),
            ]));
        }

        await repository.Index.PutAsync(tables, _ => { }, Workspace.Cancellation);
    }
}
