namespace StatefulRelocate.Snapshots.Chunks;

/// <summary>
/// The content ids of a file's blocks, in chunks of 128 blocks. A chunk of zeros is null, and 4,096 of them together are nothing at
/// all, so that a sparse file costs what its data costs. Never changed once it is built; versions of a file share the chunks that did
/// not change.
/// </summary>
internal sealed class BlockMap
{
    /// <summary>
    /// Blocks in a chunk. A block that changed costs the reading, hashing and writing of its whole chunk on either side: with four times as many, the snapshot of 10 MiB of pages changed all over 10 GiB took a fifth longer.
    /// With fewer, what a large volume costs whatever changed grows: 48 bytes a chunk in each journal.
    /// </summary>
    public const int ChunkBlocks = 128;

    public const int PageChunks = 4096;

    /// <summary>Bytes in a chunk: 1 MiB.</summary>
    public const long ChunkLength = (long)ChunkBlocks * Blocks.Size;

    /// <summary>No file that a snapshot can hold is larger: 1 PiB.</summary>
    public const long MaxFileSize = 1L << 50;

    public static readonly BlockMap Empty = new(0);
    private readonly BlockChunk?[]?[] _pages;

    private BlockMap(long count)
    {
        Count = count;
        _pages = new BlockChunk?[]?[(ChunksOf(count) + PageChunks - 1) / PageChunks];
    }

    /// <summary>Blocks in the file.</summary>
    public long Count { get; }

    /// <summary>Chunks in the file, those of zeros included.</summary>
    public long Chunks => ChunksOf(Count);

    /// <summary>The id of a block: default for zeros, and beyond the end.</summary>
    public UInt128 this[long block]
    {
        get
        {
            var chunk = Chunk(block / ChunkBlocks);
            var at = (int)(block % ChunkBlocks);
            return chunk is not null && at < chunk.Count ? chunk.Ids[at] : default;
        }
    }

    /// <summary>A chunk; null for zeros, and beyond the end.</summary>
    public BlockChunk? Chunk(long number) => number < Chunks ? _pages[number / PageChunks]?[number % PageChunks] : null;

    /// <summary>The chunks that are not zeros, in order.</summary>
    public IEnumerable<(long Number, BlockChunk Chunk)> Stored()
    {
        for (long page = 0; page < _pages.Length; page++)
        {
            for (var i = 0; _pages[page] is { } chunks && i < chunks.Length; i++)
            {
                if (chunks[i] is { } chunk)
                    yield return (page * PageChunks + i, chunk);
            }
        }
    }

    /// <summary>The blocks whose ids are not those of <paramref name="before"/>, in order; what lies beyond its end counts as zeros there.</summary>
    public IEnumerable<long> ChangedSince(BlockMap before)
    {
        for (long page = 0; page < _pages.Length; page++)
        {
            var below = page < before._pages.Length ? before._pages[page] : null;
            if (ReferenceEquals(_pages[page], below))
                continue;
            for (var i = 0; i < PageLength(page); i++)
            {
                var (mine, theirs) = (_pages[page]?[i], i < below?.Length ? below[i] : null);
                if (ReferenceEquals(mine, theirs))
                    continue;
                var first = (page * PageChunks + i) * ChunkBlocks;
                for (var b = 0; b < ChunkBlocks && first + b < Count; b++)
                {
                    if ((mine?.Ids[b] ?? default) != (b < theirs?.Count ? theirs.Ids[b] : default))
                        yield return first + b;
                }
            }
        }
    }

    public bool SameAs(BlockMap other) => ReferenceEquals(this, other) || (Count == other.Count && !ChangedSince(other).Any());

    public static long ChunksOf(long blocks) => (blocks + ChunkBlocks - 1) / ChunkBlocks;

    /// <summary>How many of a file's blocks lie in a chunk.</summary>
    public static int BlocksIn(long count, long chunk) => (int)Math.Min(ChunkBlocks, count - chunk * ChunkBlocks);

    public static BlockMap Of(ReadOnlySpan<UInt128> ids)
    {
        if (ids.IsEmpty)
            return Empty;
        var builder = new Builder(ids.Length);
        for (var chunk = 0; chunk < ChunksOf(ids.Length); chunk++)
            builder.Set(chunk, BlockChunk.Of(ids.Slice(chunk * ChunkBlocks, BlocksIn(ids.Length, chunk)).ToArray()));
        return builder.ToMap();
    }

    private int PageLength(long page) => (int)Math.Min(PageChunks, Chunks - page * PageChunks);

    /// <summary>Builds a map, from zeros or on top of another that is cut, or extended with zeros.</summary>
    internal sealed class Builder
    {
        private readonly BlockMap _map;
        private readonly BlockMap? _below;

        public Builder(long count, BlockMap? below = null)
        {
            (_map, _below) = (new BlockMap(count), below);
            if (below is null)
                return;
            for (long page = 0; page < Math.Min(below._pages.Length, _map._pages.Length); page++)
            {
                var chunks = below._pages[page];
                if (chunks is not null && chunks.Length != _map.PageLength(page))
                    Array.Resize(ref chunks, _map.PageLength(page));
                _map._pages[page] = chunks;
            }

            // The chunk at the old or the new end has another length now.
            var edge = Math.Min(count, below.Count) / ChunkBlocks;
            if (count == below.Count || edge >= _map.Chunks || below.Chunk(edge) is not { } cut)
                return;
            var ids = new UInt128[BlocksIn(count, edge)];
            cut.Ids.AsSpan(0, Math.Min(ids.Length, cut.Ids.Length)).CopyTo(ids);
            Set(edge, BlockChunk.Of(ids));
        }

        public void Set(long number, BlockChunk? chunk)
        {
            var page = number / PageChunks;
            var chunks = _map._pages[page];
            if (chunk is null && chunks is null)
                return;
            if (chunks is null)
                _map._pages[page] = chunks = new BlockChunk?[_map.PageLength(page)];
            else if (page < _below?._pages.Length && ReferenceEquals(chunks, _below._pages[page]))
                _map._pages[page] = chunks = [.. chunks];
            chunks[number % PageChunks] = chunk;
        }

        public BlockChunk? Chunk(long number) => _map.Chunk(number);

        public BlockMap ToMap() => _map;
    }
}
