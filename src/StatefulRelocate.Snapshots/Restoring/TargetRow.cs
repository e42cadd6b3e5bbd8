using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>A row of the target's journal. Its entry comes without blocks: those are read when they are needed.</summary>
internal sealed class TargetRow
{
    private readonly ChunkFile _chunks;
    private readonly KeyRing _keys;
    private BlockMap? _map;

    public TargetRow(JournalRow row, ChunkFile chunks, KeyRing keys)
    {
        (_chunks, _keys) = (chunks, keys);
        Bytes = row.Bytes.ToArray();
        Entry = row.Entry();
    }

    /// <summary>As it stands in the journal.</summary>
    public byte[] Bytes { get; }

    /// <summary>Without blocks.</summary>
    public TreeEntry Entry { get; }

    public FileBlocks Stored => Entry.Type == EntryType.File ? new JournalRow(Bytes).Blocks(Entry.Size, _chunks) : FileBlocks.None;

    /// <summary>The blocks; each chunk is checked against its hash, which the entry's own is computed over.</summary>
    /// <exception cref="JournalDamageException">A record is not what the row says.</exception>
    public BlockMap Map()
    {
        if (_map is not null)
            return _map;
        var stored = Stored;
        if (stored.IsInline)
            return _map = BlockMap.Of(stored.Ids);
        var map = new BlockMap.Builder(stored.Count);
        Span<byte> digest = stackalloc byte[BlockChunk.DigestLength];
        foreach (var place in stored.Chunks)
        {
            var ids = new UInt128[BlockMap.BlocksIn(stored.Count, place.Number)];
            place.CopyDigest(digest);
            if (!stored.TryRead(place.Number, ids, default) || BlockChunk.Of(ids) is not { } chunk || !chunk.Digest(_keys).AsSpan().SequenceEqual(digest))
                throw new JournalDamageException();
            map.Set(place.Number, chunk);
        }

        return _map = map.ToMap();
    }
}
