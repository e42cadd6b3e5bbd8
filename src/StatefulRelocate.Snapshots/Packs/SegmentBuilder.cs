using System.Security.Cryptography;
using ZstdSharp;

namespace StatefulRelocate.Snapshots.Packs;

/// <summary>Gathers one worker's new blocks into a solid segment, and compresses and encrypts it into the pack being filled. Used by one task at a time.</summary>
internal sealed class SegmentBuilder : IDisposable
{
    private readonly PackWriter _packs;
    private readonly Compressor? _compressor;
    private readonly byte[] _plain = new byte[PackWriter.SegmentLength];
    private readonly byte[] _compressed;
    private readonly List<UInt128> _ids = [];
    private readonly List<ushort> _lengths = [];
    private int _filled;
    private OpenPack? _pack;
    private AesGcm? _cipher;

    public SegmentBuilder(PackWriter packs, int compressionLevel)
    {
        _packs = packs;
        _compressor = compressionLevel > 0 ? new Compressor(compressionLevel) : null;
        _compressed = _compressor is null ? [] : new byte[Compressor.GetCompressBound(PackWriter.SegmentLength)];
    }

    /// <summary>Adds a block that <see cref="PackWriter.Claim"/> said is new.</summary>
    public async ValueTask AddAsync(UInt128 id, ReadOnlyMemory<byte> content)
    {
        if (_filled + content.Length > _plain.Length)
            await FlushAsync().ConfigureAwait(false);
        content.Span.CopyTo(_plain.AsSpan(_filled));
        _filled += content.Length;
        _ids.Add(id);
        _lengths.Add((ushort)content.Length);
    }

    /// <summary>Hands over what was gathered.</summary>
    public async ValueTask FlushAsync()
    {
        if (_filled == 0)
            return;
        var length = _compressor?.Wrap(_plain.AsSpan(0, _filled), _compressed) ?? _filled;
        var useful = length < _filled;
        if (!useful)
            length = _filled;
        var (pack, number) = await _packs.ReserveAsync(length, _filled, useful, [.. _ids], [.. _lengths]).ConfigureAwait(false);
        if (pack is not null)
        {
            if (pack != _pack)
            {
                _cipher?.Dispose();
                (_pack, _cipher) = (pack, pack.Cipher());
            }

            pack.Encrypt(_cipher!, number, (useful ? _compressed : _plain).AsSpan(0, length));
            _packs.Leave(pack);
        }

        _filled = 0;
        _ids.Clear();
        _lengths.Clear();
    }

    public void Dispose()
    {
        _compressor?.Dispose();
        _cipher?.Dispose();
    }
}
