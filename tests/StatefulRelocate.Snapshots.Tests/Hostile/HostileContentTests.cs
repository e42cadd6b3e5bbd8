using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Hostile;

/// <summary>Packs, layers and sizes made by somebody who has the key and means harm; and a target in which somebody swaps names meanwhile.</summary>
public sealed class HostileContentTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Theory]
    [InlineData("the plain length is too long")]
    [InlineData("it decompresses to a gigabyte")]
    [InlineData("it is no zstd frame")]
    [InlineData("the block is another")]
    [InlineData("the block has a wrong length")]
    [InlineData("the segment lies beyond the pack")]
    [InlineData("the pack is missing")]
    public async Task A_pack_that_lies_is_refused(string lie)
    {
        var repository = await _workspace.RepositoryAsync();
        var content = new byte[Blocks.Size];
        new Random(1).NextBytes(content);
        var id = Blocks.Identify(repository.Keys, content);
        var (stored, plain, compressed, ids, lengths) = (content, Blocks.Size, false, new[] { id }, new[] { (ushort)Blocks.Size });
        switch (lie)
        {
            case "the plain length is too long":
                (plain, ids, lengths) = (3 * Blocks.Size, [id, id + 1, id + 2], [Blocks.Size, Blocks.Size, Blocks.Size]);
                break;
            case "it decompresses to a gigabyte":
                using (var compressor = new ZstdNet.Compressor(new ZstdNet.CompressionOptions(1)))
                    (stored, compressed) = (compressor.Wrap(new byte[1 << 28]), true);
                break;
            case "it is no zstd frame":
                compressed = true;
                break;
            case "the block is another":
                stored = new byte[Blocks.Size];
                stored[17] = 1;
                break;
            case "the block has a wrong length":
                (plain, stored, lengths) = (5000, content[..5000], [5000]);
                break;
        }

        var pack = new OpenPack(repository.Keys, new byte[1 << 20]);
        var number = pack.Reserve(new DraftSegment(0, stored.Length, plain, compressed, ids, lengths));
        using (var cipher = pack.Cipher())
            pack.Encrypt(cipher, number, stored);
        var table = pack.Seal();
        if (lie != "the pack is missing")
            await repository.Store.PutAsync(pack.Name, pack.Buffer[..pack.Length], PutCondition.IfAbsent, Workspace.Cancellation);
        if (lie == "the segment lies beyond the pack")
            table = table with { Size = 1 << 30, Segments = [table.Segments[0] with { Offset = 1 << 29 }] };
        await repository.Index.PutAsync([table], _ => { }, Workspace.Cancellation);
        await SealAsync(Directory(""), File("file", Blocks.Size, id));
        var error = await Assert.ThrowsAsync<DamageException>(() => _workspace.RestoreAsync("hostile"));
        Assert.Equal(ExitCode.Damage, error.ExitCode);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData(1L << 60)]
    [InlineData(long.MaxValue)]
    public async Task A_file_of_an_impossible_size_is_refused(long size)
    {
        await SealAsync(Directory(""), File("bomb", size));
        await Assert.ThrowsAsync<DamageException>(() => _workspace.RestoreAsync("hostile"));
        Assert.Empty(System.IO.Directory.GetFileSystemEntries(_workspace.Target));
    }

    [Fact]
    public async Task A_hole_larger_than_the_file_system_takes_fails_in_one_line_and_in_little_memory()
    {
        await SealAsync(Directory(""), File("hole", BlockMap.MaxFileSize));
        var before = GC.GetTotalAllocatedBytes();
        try
        {
            await _workspace.RestoreAsync("hostile");
        }
        catch (RelocateException error)
        {
            Assert.DoesNotContain('\n', error.Message);
        }

        Assert.True(GC.GetTotalAllocatedBytes() - before < 256 << 20);
    }

    [Fact]
    public async Task Layers_without_end_are_refused_before_they_are_read()
    {
        var part = await LayerAsync(Directory(""));
        await ManifestAsync([.. Enumerable.Repeat(System.Collections.Immutable.ImmutableArray.Create(part), 10_000)], [Directory("")]);
        await Assert.ThrowsAsync<DamageException>(() => _workspace.RestoreAsync("hostile"));
    }

    [Fact]
    public async Task A_layer_that_names_its_part_again_and_again_is_refused()
    {
        var part = await LayerAsync(Directory(""), Directory("a"));
        await ManifestAsync([[.. Enumerable.Repeat(part, 10_000)]], [Directory(""), Directory("a")]);
        await Assert.ThrowsAsync<DamageException>(() => _workspace.RestoreAsync("hostile"));
        Assert.Empty(System.IO.Directory.GetFileSystemEntries(_workspace.Target));
    }

    [Fact]
    public async Task Names_out_of_order_are_refused()
    {
        await SealAsync(Directory(""), File("b", 0), File("a", 0));
        await Assert.ThrowsAsync<DamageException>(() => _workspace.RestoreAsync("hostile"));
        Assert.Empty(System.IO.Directory.GetFileSystemEntries(_workspace.Target));
    }

    [Fact]
    public async Task A_link_that_is_swapped_in_while_it_is_restored_leads_nowhere()
    {
        const int rounds = 12;
        var outside = System.IO.Directory.CreateDirectory(Path.Combine(_workspace.Root, "outside")).FullName;
        await System.IO.File.WriteAllTextAsync(Path.Combine(outside, "file"), "untouched", Workspace.Cancellation);
        var before = Listing(outside);
        var source = System.IO.Directory.CreateDirectory(Path.Combine(_workspace.Source, "a/b")).FullName;
        for (var i = 0; i < 200; i++)
            await System.IO.File.WriteAllBytesAsync(Path.Combine(source, i == 0 ? "file" : $"f{i}"), new byte[20_000 + i], Workspace.Cancellation);
        var target = Path.Combine(_workspace.Target, "a");
        var ended = false;
        var swapping = Task.Run(() =>
        {
            // Directory, link to the outside, and back; whoever walks by name sometimes meets the link.
            while (!Volatile.Read(ref ended))
            {
                TreeComparison.Run("sh", "-c", $"mv -T '{target}/b' '{target}/was'; ln -sT '{outside}' '{target}/b'; rm -f '{target}/b'; mv -T '{target}/was' '{target}/b'");
            }
        }, CancellationToken.None);
        try
        {
            for (var round = 0; round < rounds; round++)
            {
                await System.IO.File.WriteAllBytesAsync(Path.Combine(source, "file"), BitConverter.GetBytes((long)round), Workspace.Cancellation);
                var taken = await _workspace.TakeAsync();
                try
                {
                    await _workspace.RestoreAsync(taken.SnapshotId);
                }
                catch (RelocateException)
                {
                    // Refused, in the middle: that is as good.
                }
            }
        }
        finally
        {
            Volatile.Write(ref ended, true);
            await swapping;
        }

        Assert.Equal(before, Listing(outside));
        Assert.Equal("untouched", await System.IO.File.ReadAllTextAsync(Path.Combine(outside, "file"), Workspace.Cancellation));

        // And when nobody meddles any more, the next restore puts everything right.
        await _workspace.MoveAsync();
    }

    public void Dispose() => _workspace.Dispose();

    private static string Listing(string directory) => TreeComparison.Run("find", directory, "-printf", "%p %m %U %s %T@ %C@\\n").Output;

    private static TreeEntry Directory(string path) => new() { Volume = 0, Path = path, Type = EntryType.Directory, Mode = 0x1ED };

    private static TreeEntry File(string path, long size, params UInt128[] ids)
        => new() { Volume = 0, Path = path, Type = EntryType.File, Mode = 0x1A4, Size = size, Blocks = ids.Length > 0 ? BlockMap.Of(ids) : size <= BlockMap.MaxFileSize ? new BlockMap.Builder(Blocks.Count(size)).ToMap() : BlockMap.Empty };

    private async Task<string> LayerAsync(params TreeEntry[] entries)
    {
        using var writer = new LayerWriter(await _workspace.RepositoryAsync(), _ => { }, Workspace.Cancellation);
        foreach (var entry in entries)
        {
            // Chunk by chunk, so that a hole of a pebibyte is not walked.
            writer.Begin(entry, false);
            if (entry.Type != EntryType.File)
                continue;
            foreach (var (number, chunk) in entry.Blocks.Stored())
                writer.Chunk(number, chunk.Ids, new UInt128[chunk.Ids.Length]);
            writer.End();
        }

        return Assert.Single(await writer.FinishAsync());
    }

    private async Task SealAsync(params TreeEntry[] entries) => await ManifestAsync([[await LayerAsync(entries)]], entries);

    private async Task ManifestAsync(System.Collections.Immutable.ImmutableArray<System.Collections.Immutable.ImmutableArray<string>> layers, TreeEntry[] entries)
    {
        var repository = await _workspace.RepositoryAsync();
        await repository.Snapshots.PutAsync(new SnapshotManifest
        {
            Id = "hostile",
            App = "web",
            CreatedAt = DateTimeOffset.UnixEpoch,
            Volumes = ["data"],
            Layers = layers,
            RootHash = TreeHash.Root(repository.Keys, entries.Select(e => e with { Digest = TreeHash.Entry(repository.Keys, e) })),
        }, _ => { }, Workspace.Cancellation);
    }
}
