using System.Buffers.Binary;
using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Storage;
using ZstdSharp;

namespace StatefulRelocate.Snapshots.Packs;

/// <summary>
/// Gathers new blocks into segments and segments into pack objects, and puts those in the background. Memory: one pack being
/// filled and two in flight. Used by one task at a time.
/// </summary>
internal sealed class PackWriter : IDisposable
{
    public const int SegmentLength = 256 * 1024, PackLength = 16 * 1024 * 1024;
    public const int TrailerLength = 8, CompressionLevel = 1;
    public static readonly byte[] Magic = "SRP0"u8.ToArray(), EndMagic = "SRPE"u8.ToArray();
    private readonly Repository _repository;
    private readonly Action<long> _shipped;
    private readonly CancellationToken _cancellationToken;
    private readonly Compressor _compressor = new(CompressionLevel);
    private readonly byte[] _segment = new byte[SegmentLength];
    private readonly byte[] _compressed = new byte[Compressor.GetCompressBound(SegmentLength)];
    private readonly List<UInt128> _ids = [];
    private readonly List<ushort> _lengths = [];
    private readonly HashSet<UInt128> _pending = [];
    private readonly List<PackTable> _tables = [];
    private readonly Queue<Task> _uploads = [];
    private readonly List<PackSegment> _segments = [];
    private int _filled;
    private string _name = "";
    private byte[] _pack = [];
    private int _length;
    private AesGcm? _cipher;

    public PackWriter(Repository repository, Action<long> shipped, CancellationToken cancellationToken)
        => (_repository, _shipped, _cancellationToken) = (repository, shipped, cancellationToken);

    /// <summary>Adds a block unless the repository, or this writer, has it.</summary>
    public async ValueTask AddAsync(UInt128 id, ReadOnlyMemory<byte> content)
    {
        if (id == default || _repository.Index.Contains(id) || !_pending.Add(id))
            return;
        if (_filled + content.Length > SegmentLength)
            await CloseSegmentAsync().ConfigureAwait(false);
        content.Span.CopyTo(_segment.AsSpan(_filled));
        _filled += content.Length;
        _ids.Add(id);
        _lengths.Add((ushort)content.Length);
    }

    /// <summary>Puts what is left; when it returns, all packs are durable.</summary>
    public async Task<IReadOnlyList<PackTable>> FinishAsync()
    {
        if (_filled > 0)
            await CloseSegmentAsync().ConfigureAwait(false);
        if (_segments.Count > 0)
            await ClosePackAsync().ConfigureAwait(false);
        while (_uploads.TryDequeue(out var upload))
            await upload.ConfigureAwait(false);
        return _tables;
    }

    public void Dispose()
    {
        _compressor.Dispose();
        _cipher?.Dispose();
    }

    private async ValueTask CloseSegmentAsync()
    {
        if (_cipher is null)
            OpenPack();
        var compressed = _compressor.Wrap(_segment.AsSpan(0, _filled), _compressed);
        var useful = compressed < _filled;
        AppendSegment(useful ? _compressed.AsSpan(0, compressed) : _segment.AsSpan(0, _filled), useful);
        if (_length >= PackLength - SegmentLength - 4096)
            await ClosePackAsync().ConfigureAwait(false);
    }

    private void AppendSegment(ReadOnlySpan<byte> content, bool compressed)
    {
        Span<byte> nonce = stackalloc byte[12];
        BinaryPrimitives.WriteInt32LittleEndian(nonce, _segments.Count);
        Grow(content.Length + KeyRing.TagLength);
        _cipher!.Encrypt(nonce, content, _pack.AsSpan(_length, content.Length), _pack.AsSpan(_length + content.Length, KeyRing.TagLength), KeyRing.Bind("pack", _name));
        _segments.Add(new PackSegment(_length, content.Length + KeyRing.TagLength, _filled, compressed, [.. _ids], [.. _lengths]));
        _length += content.Length + KeyRing.TagLength;
        _filled = 0;
        _ids.Clear();
        _lengths.Clear();
    }

    private void OpenPack()
    {
        _name = "packs/" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        _pack = new byte[SegmentLength * 2];
        Magic.CopyTo(_pack, 0);
        RandomNumberGenerator.Fill(_pack.AsSpan(4, KeyRing.SaltLength));
        _cipher = _repository.Keys.Cipher("pack", _name, _pack.AsSpan(4, KeyRing.SaltLength));
        _length = KeyRing.HeaderLength;
    }

    private async Task ClosePackAsync()
    {
        CloseTable();
        var (name, content) = (_name, _pack.AsMemory(0, _length));
        _cipher!.Dispose();
        _cipher = null;
        _pack = [];
        _segments.Clear();
        _shipped(content.Length);
        if (_uploads.Count >= 2)
            await _uploads.Dequeue().ConfigureAwait(false);
        _uploads.Enqueue(Task.Run(() => PutAsync(name, content), _cancellationToken));
    }

    /// <summary>Footer: the table, sealed with the nonce that no segment has; then its length and the end mark.</summary>
    private void CloseTable()
    {
        using var memory = new MemoryStream();
        using (var writer = new BinaryWriter(memory))
            new PackTable(_name, _length, [.. _segments]).Write(writer);
        var footer = memory.ToArray();
        var tableEnd = _length;
        Grow(footer.Length + KeyRing.TagLength + TrailerLength);
        Span<byte> nonce = stackalloc byte[12];
        nonce.Fill(0xFF);
        _cipher!.Encrypt(nonce, footer, _pack.AsSpan(tableEnd, footer.Length), _pack.AsSpan(tableEnd + footer.Length, KeyRing.TagLength), KeyRing.Bind("pack", _name));
        _length += footer.Length + KeyRing.TagLength;
        BinaryPrimitives.WriteInt32LittleEndian(_pack.AsSpan(_length), footer.Length);
        EndMagic.CopyTo(_pack, _length + 4);
        _length += TrailerLength;
        _tables.Add(new PackTable(_name, tableEnd, [.. _segments]));
    }

    private void Grow(int more)
    {
        if (_length + more > _pack.Length)
            Array.Resize(ref _pack, Math.Max(_length + more, Math.Min(_pack.Length * 4, PackLength + (1 << 20))));
    }

    private async Task PutAsync(string name, ReadOnlyMemory<byte> content)
    {
        if (await _repository.Store.PutAsync(name, content, PutCondition.IfAbsent, _cancellationToken).ConfigureAwait(false) is null)
            throw new ObjectStoreException($"{_repository.Store.Description}: an object {name} of another origin is there already");
    }
}
