using StatefulRelocate.Snapshots.Chunks;

namespace StatefulRelocate.Snapshots.Tests.Chunks;

public sealed class BlockMapTests
{
    [Fact]
    public void A_sparse_tebibyte_costs_next_to_nothing()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var builder = new BlockMap.Builder((1L << 40) / Blocks.Size);
        builder.Set(200_000, BlockChunk.Of([7, 0, 9]));
        var map = builder.ToMap();
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 64 * 1024);
        Assert.Equal((UInt128)9, map[200_000L * BlockMap.ChunkBlocks + 2]);
        Assert.Equal(default, map[200_000L * BlockMap.ChunkBlocks + 3]);
        Assert.Equal([200_000L], map.Stored().Select(c => c.Number));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_map_built_on_another_is_what_an_array_would_be(int seed)
    {
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        UInt128[] model = [];
        var map = BlockMap.Empty;
        for (var round = 0; round < 200; round++)
        {
            var before = (Model: model, Map: map);
            Array.Resize(ref model, random.Next(3) == 0 ? random.Next(600_000) : model.Length);
            model = [.. model];
            var builder = new BlockMap.Builder(model.Length, map);
            for (var change = random.Next(4); change > 0 && model.Length > 0; change--)
            {
                var chunk = random.Next((int)BlockMap.ChunksOf(model.Length));
                var ids = new UInt128[BlockMap.BlocksIn(model.Length, chunk)];
                for (var i = 0; i < ids.Length; i++)
                    ids[i] = (UInt128)random.Next(2);
                ids.CopyTo(model, chunk * BlockMap.ChunkBlocks);
                builder.Set(chunk, BlockChunk.Of(ids));
            }

            map = builder.ToMap();
            Assert.Equal(model.Length, map.Count);
            Assert.True(map.SameAs(BlockMap.Of(model)));
            Assert.True(before.Map.SameAs(BlockMap.Of(before.Model)), "the map below was changed");
            Assert.Equal(
                Enumerable.Range(0, model.Length).Where(i => model[i] != (i < before.Model.Length ? before.Model[i] : default)).Select(i => (long)i),
                map.ChangedSince(before.Map));
        }
    }
}
