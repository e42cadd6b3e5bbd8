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

    /// <summary>The blocks. A chunk is read when its ids are first asked for, and then checked against its hash, which the entry's own is computed over.</summary>
    public BlockMap Map()
    {
        if (_map is not null)
            return _map;
        var stored = Stored;
        if (stored.IsInline)
            return _map = BlockMap.Of(stored.Ids);
        var map = new BlockMap.Builder(stored.Count);
        foreach (var place in stored.Chunks)
        {
            var digest = new byte[BlockChunk.DigestLength];
            place.CopyDigest(digest);
            var count = BlockMap.BlocksIn(stored.Count, place.Number);
            map.Set(place.Number, BlockChunk.Of(count, digest, () => Load(stored, place.Number, count)));
        }

        return _map = map.ToMap();
    }

    /// <summary>The same, read whole: for those who use it when the journal may be closed.</summary>
    /// <exception cref="JournalDamageException">A record is not what the row says.</exception>
    public BlockMap WholeMap()
    {
        var map = Map();
        foreach (var (_, chunk) in map.Stored())
            _ = chunk.Ids;
        return map;
    }

    private UInt128[] Load(FileBlocks stored, long number, int count)
    {
        var ids = new UInt128[count];
        try
        {
            if (stored.TryRead(number, ids, default) && stored.Names(_keys, number, ids) && ids.AsSpan().ContainsAnyExcept(default(UInt128)))
                return ids;
        }
        catch (IOException)
        {
            // What cannot be read is as good as damaged.
        }

        throw new JournalDamageException();
    }
}
