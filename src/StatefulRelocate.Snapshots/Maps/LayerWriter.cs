using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Storage;
using ZstdNet;

namespace StatefulRelocate.Snapshots.Maps;

/// <summary>
/// Writes a layer of the tree: every entry (a full layer), or only what changed since the layer below, where a file's block map
/// holds only the changed ids. A layer is cut into sealed objects below <c>maps/</c>.
/// </summary>
internal sealed class LayerWriter : IDisposable
{
    public const byte PutRecord = 1, RemoveRecord = 2;
    public const byte FullMap = 1, ChangedMap = 2;
    public const byte FullChunk = 1, ChangedChunk = 2, ZeroChunk = 3;
    public const int PartLength = 4 << 20;
    private readonly Repository _repository;
    private readonly Action<long> _shipped;
    private readonly CancellationToken _cancellationToken;
    private readonly MemoryStream _buffer = new();
    private readonly BinaryWriter _writer;
    private readonly List<string> _parts = [];
    private readonly List<Task> _uploads = [];
    private long _next;

    public LayerWriter(Repository repository, Action<long> shipped, CancellationToken cancellationToken)
    {
        (_repository, _shipped, _cancellationToken) = (repository, shipped, cancellationToken);
        _writer = new BinaryWriter(_buffer);
    }

    public async ValueTask RemoveAsync(EntryKey key)
    {
        _writer.Write(RemoveRecord);
        _writer.Write7BitEncodedInt(key.Volume);
        EntryCodec.WriteBytes(_writer, System.Text.Encoding.Latin1.GetBytes(key.Path));
        await FlushFullPartsAsync().ConfigureAwait(false);
    }

    /// <param name="entry">The entry.</param>
    /// <param name="below">The same path in the layers below, or null in a full layer or where it is new.</param>
    public async ValueTask PutAsync(TreeEntry entry, TreeEntry? below)
    {
        var under = below is { Type: EntryType.File } ? new BlockMap.Builder(entry.Blocks.Count, below.Blocks).ToMap() : null;
        Begin(entry, under is not null);
        if (entry.Type == EntryType.File)
        {
            for (long number = 0; number < entry.Blocks.Chunks; number++)
            {
                var (chunk, old) = (entry.Blocks.Chunk(number), under?.Chunk(number));
                if (ReferenceEquals(chunk, old))
                    continue;
                var zeros = new UInt128[BlockMap.BlocksIn(entry.Blocks.Count, number)];
                Chunk(number, chunk?.Ids ?? zeros, old?.Ids ?? zeros);
                await FlushFullPartsAsync().ConfigureAwait(false);
            }

            End();
        }

        await FlushFullPartsAsync().ConfigureAwait(false);
    }

    /// <summary>Begins an entry's record. Of a file the chunks follow, and <see cref="End"/>.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="changes">Whether the chunks of a file are changes of the map below.</param>
    public void Begin(TreeEntry entry, bool changes)
    {
        _writer.Write(PutRecord);
        EntryCodec.WriteIdentity(_writer, entry);
        if (entry.Type == EntryType.File)
            _writer.Write(changes ? ChangedMap : FullMap);
        _next = 0;
    }

    /// <summary>A chunk, in order; one that is as below is left out.</summary>
    /// <param name="number">Its number in the file.</param>
    /// <param name="ids">Its ids.</param>
    /// <param name="below">The ids below, as many; zeros where there are none.</param>
    public void Chunk(long number, ReadOnlySpan<UInt128> ids, ReadOnlySpan<UInt128> below)
    {
        var runs = Runs(ids, below);
        if (runs.Count == 0)
            return;
        _writer.Write7BitEncodedInt64(number - _next + 1);
        _next = number + 1;
        if (!ids.ContainsAnyExcept(default(UInt128)))
        {
            _writer.Write(ZeroChunk);
            return;
        }

        if (runs is [var all] && all.Length == ids.Length)
        {
            _writer.Write(FullChunk);
            _writer.Write(BlockChunk.Bytes(ids));
            return;
        }

        _writer.Write(ChangedChunk);
        _writer.Write7BitEncodedInt(runs.Count);
        var position = 0;
        foreach (var (start, length) in runs)
        {
            _writer.Write7BitEncodedInt(start - position);
            _writer.Write7BitEncodedInt(length);
            _writer.Write(BlockChunk.Bytes(ids.Slice(start, length)));
            position = start + length;
        }
    }

    /// <summary>Ends a file's record.</summary>
    public void End() => _writer.Write7BitEncodedInt64(0);

    /// <summary>Puts what is left; all parts are durable when it returns. Empty when nothing was written.</summary>
    public async Task<IReadOnlyList<string>> FinishAsync()
    {
        _writer.Flush();
        if (_buffer.Length > 0)
            await FlushPartAsync((int)_buffer.Length).ConfigureAwait(false);
        await Task.WhenAll(_uploads).ConfigureAwait(false);
        return _parts;
    }

    public void Dispose()
    {
        _writer.Dispose();
        _buffer.Dispose();
    }

    /// <summary>The runs of blocks that differ from the chunk below.</summary>
    private static List<(int Start, int Length)> Runs(ReadOnlySpan<UInt128> ids, ReadOnlySpan<UInt128> below)
    {
        var runs = new List<(int, int)>();
        for (var i = ids.CommonPrefixLength(below); i < ids.Length; i += ids[i..].CommonPrefixLength(below[i..]))
        {
            var start = i;
            while (i < ids.Length && ids[i] != below[i])
                i++;
            runs.Add((start, i - start));
        }

        return runs;
    }

    /// <summary>Seals and puts what fills a part.</summary>
    public async ValueTask FlushFullPartsAsync()
    {
        if (_buffer.Position >= PartLength)
            await FlushPartAsync((int)_buffer.Position).ConfigureAwait(false);
    }

    private async Task FlushPartAsync(int length)
    {
        _writer.Flush();
        var name = "maps/" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var content = Seal(name, length);
        _parts.Add(name);
        _buffer.SetLength(0);
        _shipped(content.Length);
        if (_uploads.Count >= 4)
        {
            await Task.WhenAll(_uploads).ConfigureAwait(false);
            _uploads.Clear();
        }

        _uploads.Add(Task.Run(() => _repository.Store.PutAsync(name, content, PutCondition.IfAbsent, _cancellationToken), _cancellationToken));
    }

    private byte[] Seal(string name, int length)
    {
        using var compressor = new Compressor(new CompressionOptions(1));
        return _repository.Keys.Seal("map", name, compressor.Wrap(_buffer.GetBuffer().AsSpan(0, length)));
    }
}
