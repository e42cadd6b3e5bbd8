using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Journals;

namespace StatefulRelocate.Snapshots.Tests.Journals;

public sealed class ChunkFileTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("chunk-file-");

    private string Name => Path.Combine(_root.FullName, "chunks");

    [Fact]
    public void A_record_can_be_read_from_the_moment_it_is_written()
    {
        using var file = ChunkFile.Open(Name, fingerprints: true, null);
        var offsets = Enumerable.Range(1, 300).Select(number => (Number: number, Offset: file.Write(Ids(number), Ids(-number)))).ToList();
        foreach (var (number, offset) in offsets)
            RequireThere(file, offset, number);
    }

    [Fact]
    public void All_records_are_in_the_file_once_its_space_is_told()
    {
        List<long> offsets;
        ChunkSpace space;
        using (var file = ChunkFile.Open(Name, fingerprints: true, null))
        {
            offsets = [.. Enumerable.Range(1, 300).Select(number => file.Write(Ids(number), Ids(-number)))];
            for (var i = 0; i < offsets.Count; i += 3)
                file.Release(offsets[i], BlockMap.ChunkBlocks);
            space = file.Space();
        }

        Assert.True(ChunkFile.IsThere(Name, space));
        using (var file = ChunkFile.Open(Name, fingerprints: true, space))
        {
            var again = Enumerable.Range(1001, 100).Select(number => file.Write(Ids(number), Ids(-number))).ToList();
            Assert.Equal(offsets.Where((_, i) => i % 3 == 0).Order(), again.Order());
            _ = file.Space();
            for (var i = 0; i < again.Count; i++)
                RequireThere(file, again[i], 1001 + i);
            for (var i = 0; i < offsets.Count; i++)
            {
                if (i % 3 != 0)
                    RequireThere(file, offsets[i], i + 1);
            }
        }
    }

    public void Dispose() => _root.Delete(recursive: true);

    private static void RequireThere(ChunkFile file, long offset, int number)
    {
        var (ids, fingerprints) = (new UInt128[BlockMap.ChunkBlocks], new UInt128[BlockMap.ChunkBlocks]);
        Assert.True(file.TryRead(offset, ids, fingerprints));
        Assert.Equal(Ids(number), ids);
        Assert.Equal(Ids(-number), fingerprints);
    }

    private static UInt128[] Ids(int seed) => [.. Enumerable.Range(0, BlockMap.ChunkBlocks).Select(block => ((UInt128)(uint)seed << 64) | (uint)block)];
}
