using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>Computes content ids from a file's own bytes.</summary>
internal sealed class FileReader
{
    private const int BlocksAtOnce = 32;
    private readonly KeyRing _keys;
    private readonly byte[] _buffer = new byte[BlocksAtOnce * Blocks.Size];

    public FileReader(KeyRing keys) => _keys = keys;

    public long BytesRead { get; private set; }

    /// <summary>All of a file.</summary>
    public BlockMap ReadAll(OpenFile file, long size, CancellationToken cancellationToken)
    {
        var count = Blocks.Count(size);
        var map = new BlockMap.Builder(count);
        for (long number = 0; number < BlockMap.ChunksOf(count); number++)
        {
            cancellationToken.ThrowIfCancellationRequested();

            // Holes are zeros, and the id of zeros is 0.
            var data = file.NextData(number * BlockMap.ChunkLength) ?? size;
            number = Math.Max(number, data / BlockMap.ChunkLength);
            if (data >= size)
                break;
            var ids = new UInt128[BlockMap.BlocksIn(count, number)];
            for (var at = 0; at < ids.Length; at += BlocksAtOnce)
            {
                var some = Math.Min(BlocksAtOnce, ids.Length - at);
                ReadInto(file, size, number * BlockMap.ChunkBlocks + at, some, ids.AsSpan(at, some));
            }

            map.Set(number, BlockChunk.Of(ids));
        }

        return map.ToMap();
    }

    /// <summary>Some blocks of a file; the result has one id for each.</summary>
    public UInt128[] Read(OpenFile file, long size, IReadOnlyList<int> blocks, CancellationToken cancellationToken)
    {
        var ids = new UInt128[blocks.Count];
        for (var i = 0; i < blocks.Count;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var count = 1;
            while (count < BlocksAtOnce && i + count < blocks.Count && blocks[i + count] == blocks[i] + count)
                count++;
            ReadInto(file, size, blocks[i], count, ids.AsSpan(i, count));
            i += count;
        }

        return ids;
    }

    private void ReadInto(OpenFile file, long size, long block, int count, Span<UInt128> ids)
    {
        var offset = block * Blocks.Size;
        var wanted = (int)Math.Min((long)count * Blocks.Size, size - offset);
        var read = file.Read(_buffer.AsSpan(0, wanted), offset);
        BytesRead += read;
        _buffer.AsSpan(read, wanted - read).Clear();
        for (var i = 0; i < count; i++)
            ids[i] = Blocks.Identify(_keys, _buffer.AsSpan(i * Blocks.Size, Blocks.Length(size, block + i)));
    }
}
