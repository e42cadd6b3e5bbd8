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
    public UInt128[] ReadAll(OpenFile file, long size, CancellationToken cancellationToken)
    {
        var ids = new UInt128[Blocks.Count(size)];
        for (var block = 0; block < ids.Length;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var offset = (long)block * Blocks.Size;

            // Holes are zeros, and the id of zeros is 0.
            var data = file.NextData(offset) ?? size;
            if (data / Blocks.Size > block)
            {
                block = (int)Math.Min(data / Blocks.Size, ids.Length);
                if (data >= size)
                    break;
                continue;
            }

            if (data >= size)
                break;
            var count = Math.Min(BlocksAtOnce, ids.Length - block);
            ReadInto(file, size, block, count, ids.AsSpan(block, count));
            block += count;
        }

        return ids;
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

    private void ReadInto(OpenFile file, long size, int block, int count, Span<UInt128> ids)
    {
        var offset = (long)block * Blocks.Size;
        var wanted = (int)Math.Min((long)count * Blocks.Size, size - offset);
        var read = file.Read(_buffer.AsSpan(0, wanted), offset);
        BytesRead += read;
        _buffer.AsSpan(read, wanted - read).Clear();
        for (var i = 0; i < count; i++)
            ids[i] = Blocks.Identify(_keys, _buffer.AsSpan(i * Blocks.Size, Blocks.Length(size, block + i)));
    }
}
