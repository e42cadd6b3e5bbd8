using System.Security.Cryptography;
using ZstdNet;

namespace StatefulRelocate.Snapshots.Packs;

/// <summary>A segment that has no place in a pack yet.</summary>
/// <param name="Offset">Where its content begins in its builder's buffer.</param>
/// <param name="Length">Its length as it is stored, without the tag.</param>
/// <param name="PlainLength">Its length.</param>
/// <param name="Compressed">Whether it is compressed.</param>
/// <param name="Ids">Its blocks.</param>
/// <param name="Lengths">Their lengths.</param>
internal readonly record struct DraftSegment(int Offset, int Length, int PlainLength, bool Compressed, UInt128[] Ids, ushort[] Lengths);

/// <summary>
/// Gathers one worker's new blocks into solid segments, compresses them, and encrypts them into the pack being filled, several side by side: what one worker
/// read is then fetched by one range. Used by one task at a time.
/// </summary>
internal sealed class SegmentBuilder : IDisposable
{
    /// <summary>zstd.h: ZSTD_c_literalCompressionMode, and ZSTD_ps_disable.</summary>
    private const ZSTD_cParameter LiteralCompressionMode = (ZSTD_cParameter)1002;
    private const int LiteralsAsTheyAre = 2;

    /// <summary>At higher levels the search is what costs, and a second compressor takes megabytes.</summary>
    private const int FastLevel = 3;

    private readonly PackWriter _packs;
    private readonly Compressor? _compressor, _noiseCompressor;
    private readonly byte[] _plain = new byte[PackWriter.SegmentLength];
    private readonly byte[] _stored;
    private readonly DraftSegment[] _drafts;
    private readonly List<UInt128> _ids = [];
    private readonly List<ushort> _lengths = [];
    private int _filled, _storedLength, _count;
    private OpenPack? _pack;
    private AesGcm? _cipher;

    public SegmentBuilder(PackWriter packs, int compressionLevel)
    {
        _packs = packs;
        if (compressionLevel > 0)
        {
            _compressor = new Compressor(new CompressionOptions(compressionLevel));
            _noiseCompressor = compressionLevel > FastLevel ? null
                : new Compressor(new CompressionOptions(null, new Dictionary<ZSTD_cParameter, int> { [LiteralCompressionMode] = LiteralsAsTheyAre }, compressionLevel));
        }

        _drafts = new DraftSegment[packs.SegmentsTogether];

        // The last one may be longer while it is being compressed.
        _stored = GC.AllocateUninitializedArray<byte>((packs.SegmentsTogether - 1) * PackWriter.SegmentLength + Compressor.GetCompressBound(PackWriter.SegmentLength));
    }

    /// <summary>Adds a block that <see cref="PackWriter.Claim"/> said is new.</summary>
    public async ValueTask AddAsync(UInt128 id, ReadOnlyMemory<byte> content)
    {
        if (_filled + content.Length > _plain.Length)
            await CloseSegmentAsync().ConfigureAwait(false);
        content.Span.CopyTo(_plain.AsSpan(_filled));
        _filled += content.Length;
        _ids.Add(id);
        _lengths.Add((ushort)content.Length);
    }

    /// <summary>Hands over what was gathered.</summary>
    public async ValueTask FlushAsync()
    {
        if (_filled > 0)
            await CloseSegmentAsync().ConfigureAwait(false);
        await PlaceAsync().ConfigureAwait(false);
    }

    public void Dispose()
    {
        _compressor?.Dispose();
        _noiseCompressor?.Dispose();
        _cipher?.Dispose();
    }

    private ValueTask CloseSegmentAsync()
    {
        var plain = _plain.AsSpan(0, _filled);
        var compressor = _noiseCompressor is not null && Noise.Prevails(plain) ? _noiseCompressor : _compressor;
        var length = compressor?.Wrap(plain, _stored.AsSpan(_storedLength)) ?? _filled;
        var useful = length < _filled;
        if (!useful)
        {
            length = _filled;
            plain.CopyTo(_stored.AsSpan(_storedLength));
        }

        _drafts[_count++] = new DraftSegment(_storedLength, length, _filled, useful, [.. _ids], [.. _lengths]);
        _storedLength += length;
        _filled = 0;
        _ids.Clear();
        _lengths.Clear();
        return _count == _drafts.Length ? PlaceAsync() : ValueTask.CompletedTask;
    }

    private async ValueTask PlaceAsync()
    {
        for (var placed = 0; placed < _count;)
        {
            // Those that fit are filled before a place for the rest is waited for: their pack gives its memory back only then.
            var (pack, first, some) = await _packs.ReserveAsync(_drafts.AsMemory(placed.._count)).ConfigureAwait(false);
            if (pack is null)
            {
                placed += some;
                continue;
            }

            if (pack != _pack)
            {
                _cipher?.Dispose();
                (_pack, _cipher) = (pack, pack.Cipher());
            }

            for (var i = 0; i < some; i++)
            {
                var draft = _drafts[placed++];
                pack.Encrypt(_cipher!, first + i, _stored.AsSpan(draft.Offset, draft.Length));
                _packs.Leave(pack);
            }
        }

        (_count, _storedLength) = (0, 0);
    }
}
