using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Threading.Channels;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Maps;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>
/// Takes the items of a round in path order, waits for each to be done, and writes what depends on the order: the journal's rows, the
/// records of the layer, the root hash and the totals.
/// </summary>
internal sealed class RoundSequencer : IDisposable
{
    private readonly RoundContext _round;
    private readonly JournalWriter? _journal;
    private readonly LayerWriter? _layer;
    private readonly ChunkFile? _oldChunks;
    private readonly bool _whole;
    private readonly RowBuilder _rows;
    private readonly IncrementalHash _root;
    private readonly HashSet<EntryKey> _leftOut = [];
    private readonly UInt128[] _ids = new UInt128[BlockMap.ChunkBlocks], _oldIds = new UInt128[BlockMap.ChunkBlocks];

    /// <param name="round">The round.</param>
    /// <param name="journal">The table to write; null in a dry run.</param>
    /// <param name="layer">The layer to write; null in a dry run.</param>
    /// <param name="oldChunks">Where rows of the round before lead.</param>
    /// <param name="whole">Whether the layer holds every entry, and not only what changed.</param>
    public RoundSequencer(RoundContext round, JournalWriter? journal, LayerWriter? layer, ChunkFile? oldChunks, bool whole)
    {
        (_round, _journal, _layer, _oldChunks, _whole) = (round, journal, layer, oldChunks, whole);
        _rows = new RowBuilder(round.Repository.Keys);
        _root = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, round.Repository.Keys.TreeKey);
    }

    public long Entries { get; private set; }

    public long Bytes { get; private set; }

    public string RootHash() => Convert.ToHexStringLower(_root.GetHashAndReset());

    public async Task RunAsync(ChannelReader<RoundItem> items, CancellationToken cancellationToken)
    {
        await foreach (var item in items.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            switch (item)
            {
                case KeptRows kept:
                    await KeepAsync(kept).ConfigureAwait(false);
                    break;
                case GoneName gone:
                    await GoneAsync(gone.Key, gone.Old).ConfigureAwait(false);
                    break;
                case PlainName plain:
                    await PlainAsync(plain).ConfigureAwait(false);
                    break;
                case FileJob file:
                    await file.Done.WaitAsync(cancellationToken).ConfigureAwait(false);
                    await FileAsync(file).ConfigureAwait(false);
                    break;
            }
        }
    }

    public void Dispose()
    {
        _rows.Dispose();
        _root.Dispose();
    }

    private async ValueTask KeepAsync(KeptRows kept)
    {
        for (var at = 0; at < kept.Rows.Length;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(kept.Rows[at..]);
            Count(new JournalRow(kept.Rows.Slice(at, length)));
            if (_whole && _layer is not null)
            {
                var row = new JournalRow(kept.Rows.Slice(at, length));
                var entry = row.Entry();
                await PutAsync(entry, entry.Type == EntryType.File ? row.Blocks(entry.Size, _oldChunks!) : FileBlocks.None, null).ConfigureAwait(false);
            }

            at += length;
        }

        kept.Return();
    }

    private async ValueTask PlainAsync(PlainName plain)
    {
        var entry = plain.Entry;
        if (entry.Type == EntryType.HardLink && _leftOut.Contains(new EntryKey(entry.Volume, entry.LinkTarget)))
        {
            _round.Warnings.Add($"{PathText.Show(entry.Path)}: another name of '{PathText.Show(entry.LinkTarget)}', which could not be read; it is not in this snapshot");
            if (plain.Old is { } gone)
                await GoneAsync(entry.Key, gone).ConfigureAwait(false);
            return;
        }

        var row = new JournalRow(_rows.Build(entry, FileBlocks.None));
        Count(row);
        var changed = plain.Old is null || !row.Digest.SequenceEqual(plain.Old.Digest);
        if (plain.Old is { Type: EntryType.File } file)
            Release(file.Blocks, FileBlocks.None);
        if (_whole || changed)
            await PutAsync(entry, FileBlocks.None, null).ConfigureAwait(false);
    }

    private async ValueTask FileAsync(FileJob file)
    {
        if (file.LeftOut is { } why)
        {
            if (why.Length > 0)
                _round.Warnings.Add(why);
            if (file.Facts.Links > 1)
                _leftOut.Add(file.Key);
            if (file.Old is { } gone)
                await GoneAsync(file.Key, gone).ConfigureAwait(false);
            return;
        }

        var row = new JournalRow(file.Row);
        Count(row);
        if (file.Known is { } known)
            Release(known, file.Content);
        if (_whole || file.Old is null || !row.Digest.SequenceEqual(file.Old.Digest))
            await PutAsync(new JournalRow(file.Row).Entry(), file.Content, _whole ? null : file.Known).ConfigureAwait(false);
    }

    private async ValueTask GoneAsync(EntryKey key, OldRow old)
    {
        Release(old.Blocks, FileBlocks.None);
        if (!_whole && _layer is not null)
            await _layer.RemoveAsync(key).ConfigureAwait(false);
    }

    private void Count(JournalRow row)
    {
        _root.AppendData(row.Digest);
        _journal?.Add(row.Bytes);
        Entries++;
        Bytes += row.Size;
    }

    /// <summary>The records of chunks that the new table does not refer to any more.</summary>
    private void Release(FileBlocks old, FileBlocks now)
    {
        foreach (var chunk in old.Chunks)
        {
            if (now.Find(chunk.Number)?.Offset != chunk.Offset)
                _round.Chunks?.Release(chunk.Offset, BlockMap.BlocksIn(old.Count, chunk.Number));
        }
    }

    private async ValueTask PutAsync(TreeEntry entry, FileBlocks blocks, FileBlocks? below)
    {
        if (_layer is null)
            return;
        _layer.Begin(entry, below is not null);
        if (entry.Type == EntryType.File)
        {
            if (blocks.IsInline && below is not { IsInline: false })
                Small(_layer, blocks, below);
            else
                await LargeAsync(_layer, blocks, below).ConfigureAwait(false);
            _layer.End();
        }

        await _layer.FlushFullPartsAsync().ConfigureAwait(false);
    }

    private void Small(LayerWriter layer, FileBlocks blocks, FileBlocks? below)
    {
        if (blocks.Count == 0)
            return;
        var old = _oldIds.AsSpan(0, blocks.Ids.Length);
        old.Clear();
        below?.Ids.AsSpan(0, Math.Min(below.Ids.Length, old.Length)).CopyTo(old);
        layer.Chunk(0, blocks.Ids, old);
    }

    /// <summary>The chunks that differ from those below, in order of their numbers.</summary>
    private async ValueTask LargeAsync(LayerWriter layer, FileBlocks blocks, FileBlocks? below)
    {
        foreach (var number in blocks.Numbers().Union(below?.Numbers() ?? []).Order())
        {
            if (number >= BlockMap.ChunksOf(blocks.Count))
                break;
            var count = BlockMap.BlocksIn(blocks.Count, number);
            if (below is { IsInline: false } && !blocks.IsInline && count == BlocksIn(below, number) && blocks.Find(number) == below.Find(number))
                continue;
            Read(blocks, number, count, _ids);
            Array.Clear(_oldIds);
            if (below is not null && BlocksIn(below, number) is var before and > 0)
                Read(below, number, before, _oldIds);
            layer.Chunk(number, _ids.AsSpan(0, count), _oldIds.AsSpan(0, count));
            await layer.FlushFullPartsAsync().ConfigureAwait(false);
        }
    }

    private static int BlocksIn(FileBlocks blocks, long number) => (int)Math.Clamp(blocks.Count - number * BlockMap.ChunkBlocks, 0, BlockMap.ChunkBlocks);

    private void Read(FileBlocks blocks, long number, int count, UInt128[] into)
    {
        // What is put into the layer is told upon these ids: others than the layer below has would make a tree of another root.
        if (!blocks.TryRead(number, into.AsSpan(0, count), default) || !blocks.Names(_round.Repository.Keys, number, into.AsSpan(0, count)))
            throw new JournalDamageException();
    }
}
