using System.Security.Cryptography;
using ZstdSharp;
using ZstdSharp.Unsafe;

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
        var length = _compressor is null ? _filled : Compress(_compressor, _plain.AsSpan(0, _filled));
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

    private int Compress(Compressor compressor, ReadOnlySpan<byte> plain)
    {
        const ZSTD_cParameter literalCompression = ZSTD_cParameter.ZSTD_c_experimentalParam5;
        compressor.SetParameter(literalCompression, (int)(Noise.Prevails(plain) ? ZSTD_paramSwitch_e.ZSTD_ps_disable : ZSTD_paramSwitch_e.ZSTD_ps_auto));
        return compressor.Wrap(plain, _compressed);
    }

    public void Dispose()
    {
        _compressor?.Dispose();
        _cipher?.Dispose();
    }
}
