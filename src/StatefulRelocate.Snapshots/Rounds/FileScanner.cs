using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Packs;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>Reads one file, compares each block with the round before, and hands new ones to the pack writer.</summary>
internal sealed class FileScanner
{
    private const int BlocksAtOnce = 32; // 256 KiB fits the second-level cache: measured fastest.
    private readonly Repository _repository;
    private readonly PackWriter _packs;
    private readonly long _seed;
    private readonly byte[] _buffer = new byte[BlocksAtOnce * Blocks.Size];

    public FileScanner(Repository repository, PackWriter packs, long seed) => (_repository, _packs, _seed) = (repository, packs, seed);

    public long BytesScanned { get; private set; }

    public long BytesChanged { get; private set; }

    /// <summary>Reads <paramref name="size"/> bytes; a file that ends before gets zeros there, and says so.</summary>
    public async Task<(BlockMap Blocks, UInt128[] Fingerprints, bool Torn)> ScanAsync(OpenFile file, long size, TreeEntry? before, Action<long> progress, CancellationToken cancellationToken)
    {
        var ids = new UInt128[Blocks.Count(size)];
        var fingerprints = new UInt128[ids.Length];
        var known = before is { Type: EntryType.File } && before.Fingerprints.Length == before.Blocks.Count ? before : null;
        var torn = false;
        long hole = -1, dataEnd = -1;
        for (var block = 0; block < ids.Length;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var offset = (long)block * Blocks.Size;
            if (offset >= dataEnd)
            {
                hole = file.NextData(offset) ?? size;
                dataEnd = hole >= size ? size : file.NextHole(hole, size);
            }

            // Whole blocks before the next data are zeros without being read.
            var skipTo = (int)Math.Min(hole >= size ? ids.Length : hole / Blocks.Size, ids.Length);
            if (skipTo > block)
            {
                for (; block < skipTo; block++)
                    BytesChanged += known is not null && block < known.Blocks.Count && known.Blocks[block] != default ? Blocks.Length(size, block) : 0;
                continue;
            }

            var count = Math.Min(BlocksAtOnce, ids.Length - block);
            var wanted = (int)Math.Min((long)count * Blocks.Size, size - offset);
            var read = file.Read(_buffer.AsSpan(0, wanted), offset);
            if (read < wanted)
            {
                torn = true;
                _buffer.AsSpan(read, wanted - read).Clear();
            }

            BytesScanned += read;
            progress(read);
            for (var i = 0; i < count; i++, block++)
            {
                var content = _buffer.AsMemory(i * Blocks.Size, Blocks.Length(size, block));
                fingerprints[block] = Blocks.Fingerprint(content.Span, _seed);
                if (known is not null && block < known.Blocks.Count && known.Fingerprints[block] == fingerprints[block]
                    && Blocks.Length(known.Size, block) == content.Length)
                {
                    ids[block] = known.Blocks[block];
                    continue;
                }

                ids[block] = Blocks.Identify(_repository.Keys, content.Span);
                if (known is null ? ids[block] != default : block >= known.Blocks.Count || known.Blocks[block] != ids[block])
                    BytesChanged += content.Length;
                await _packs.AddAsync(ids[block], content).ConfigureAwait(false);
            }
        }

        return (BlockMap.Of(ids), fingerprints, torn);
    }
}
