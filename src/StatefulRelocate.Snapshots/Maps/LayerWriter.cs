using System.Buffers.Binary;
using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Storage;
using ZstdSharp;

namespace StatefulRelocate.Snapshots.Maps;

/// <summary>
/// Writes a layer of the tree: every entry (a full layer), or only what changed since the layer below, where a file's block map
/// holds only the changed ids. A layer is cut into sealed objects below <c>maps/</c>.
/// </summary>
internal sealed class LayerWriter : IDisposable
{
    public const byte PutRecord = 1, RemoveRecord = 2;
    public const byte FullMap = 1, ChangedMap = 2;
    public const int PartLength = 4 << 20;
    private readonly Repository _repository;
    private readonly Action<long> _shipped;
    private readonly CancellationToken _cancellationToken;
    private readonly MemoryStream _buffer = new();
    private readonly BinaryWriter _writer;
    private readonly List<string> _parts = [];
    private readonly List<Task> _uploads = [];
    private readonly byte[] _id = new byte[16];

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
        _writer.Write(PutRecord);
        EntryCodec.WriteIdentity(_writer, entry);
        if (entry.Type == EntryType.File)
        {
            var changes = below is { Type: EntryType.File } ? Runs(entry.Blocks, below.Blocks) : null;
            if (changes is null)
            {
                _writer.Write(FullMap);
                await WriteIdsAsync(entry.Blocks, 0, entry.Blocks.Length).ConfigureAwait(false);
            }
            else
            {
                _writer.Write(ChangedMap);
                _writer.Write7BitEncodedInt(changes.Count);
                var position = 0;
                foreach (var (start, length) in changes)
                {
                    _writer.Write7BitEncodedInt(start - position);
                    _writer.Write7BitEncodedInt(length);
                    await WriteIdsAsync(entry.Blocks, start, length).ConfigureAwait(false);
                    position = start + length;
                }
            }
        }

        await FlushFullPartsAsync().ConfigureAwait(false);
    }

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

    /// <summary>The runs of blocks that differ from the map below; blocks beyond its end always do.</summary>
    private static List<(int Start, int Length)> Runs(UInt128[] blocks, UInt128[] below)
    {
        var runs = new List<(int, int)>();
        for (var i = 0; i < blocks.Length;)
        {
            if (i < below.Length && blocks[i] == below[i])
            {
                i++;
                continue;
            }

            var start = i;
            while (i < blocks.Length && (i >= below.Length || blocks[i] != below[i]))
                i++;
            runs.Add((start, i - start));
        }

        return runs;
    }

    private async ValueTask WriteIdsAsync(UInt128[] ids, int start, int length)
    {
        for (var i = start; i < start + length; i++)
        {
            BinaryPrimitives.WriteUInt128BigEndian(_id, ids[i]);
            _writer.Write(_id);
            if ((i & 0xFFFF) == 0)
                await FlushFullPartsAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask FlushFullPartsAsync()
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
        using var compressor = new Compressor(1);
        return _repository.Keys.Seal("map", name, compressor.Wrap(_buffer.GetBuffer().AsSpan(0, length)));
    }
}
