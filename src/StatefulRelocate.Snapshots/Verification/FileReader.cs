using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>Computes content ids from a file's own bytes. Used by one thread.</summary>
internal sealed class FileReader : IDisposable
{
    private const int BlocksAtOnce = 32;
    private readonly IncrementalHash _hash;
    private readonly byte[] _buffer = new byte[BlocksAtOnce * Blocks.Size];

    public FileReader(KeyRing keys) => _hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, keys.ContentKey);

    public long BytesRead { get; private set; }

    /// <summary>One chunk of a file, holes skipped.</summary>
    /// <param name="file">The file.</param>
    /// <param name="size">Its size.</param>
    /// <param name="number">The chunk.</param>
    /// <param name="ids">One for each of its blocks.</param>
    public void ReadChunk(OpenFile file, long size, long number, Span<UInt128> ids)
    {
        var first = number * BlockMap.ChunkBlocks;

        // Small files are read at once: asking where their holes are costs as much.
        var sparse = ids.Length > BlocksAtOnce;
        for (var at = 0; at < ids.Length;)
        {
            if (sparse)
            {
                var (data, end) = file.NextData((first + at) * Blocks.Size, size);
                var skip = (int)Math.Min(data / Blocks.Size - first, ids.Length);
                if (skip > at)
                {
                    ids[at..skip].Clear();
                    at = skip;
                    continue;
                }

                // What follows is read up to the next hole without asking again.
                var to = (int)Math.Min((end + Blocks.Size - 1) / Blocks.Size - first, ids.Length);
                for (; at < to; at += Math.Min(BlocksAtOnce, to - at))
                    Read(file, size, first + at, ids.Slice(at, Math.Min(BlocksAtOnce, to - at)));
                continue;
            }

            Read(file, size, first + at, ids[at..]);
            at = ids.Length;
        }
    }

    /// <summary>Some blocks of a file, ascending; <paramref name="ids"/> has one for each.</summary>
    public void ReadBlocks(OpenFile file, long size, ReadOnlySpan<long> blocks, Span<UInt128> ids)
    {
        for (var i = 0; i < blocks.Length;)
        {
            var count = 1;
            while (count < BlocksAtOnce && i + count < blocks.Length && blocks[i + count] == blocks[i] + count)
                count++;
            Read(file, size, blocks[i], ids.Slice(i, count));
            i += count;
        }
    }

    public void Dispose() => _hash.Dispose();

    private void Read(OpenFile file, long size, long block, Span<UInt128> ids)
    {
        var offset = block * Blocks.Size;
        var wanted = (int)Math.Min((long)ids.Length * Blocks.Size, size - offset);
        var read = file.Read(_buffer.AsSpan(0, wanted), offset);
        BytesRead += read;
        _buffer.AsSpan(read, wanted - read).Clear();
        for (var i = 0; i < ids.Length; i++)
            ids[i] = Blocks.Identify(_hash, _buffer.AsSpan(i * Blocks.Size, Blocks.Length(size, block + i)));
    }
}
