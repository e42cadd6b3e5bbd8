using System.Buffers.Binary;
using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Keys;
using ZstdNet;

namespace StatefulRelocate.Snapshots.Packs;

/// <summary>Reads segments and tables of packs, and authenticates them.</summary>
internal sealed class PackReader : IDisposable
{
    private readonly Repository _repository;
    private readonly Decompressor _decompressor = new();
    private string _name = "";
    private AesGcm? _cipher;

    public PackReader(Repository repository) => _repository = repository;

    /// <summary>The segment's blocks, one after another.</summary>
    /// <exception cref="DamageException">It is not what was written.</exception>
    public async Task<byte[]> ReadSegmentAsync(PackTable pack, int number, CancellationToken cancellationToken)
    {
        var segment = pack.Segments[number];
        await UseAsync(pack.Name, cancellationToken).ConfigureAwait(false);
        var stored = new byte[segment.StoredLength];
        await _repository.Store.GetRangeAsync(pack.Name, segment.Offset, stored, cancellationToken).ConfigureAwait(false);
        var nonce = new byte[12];
        BinaryPrimitives.WriteInt32LittleEndian(nonce, number);
        var content = Decrypt(pack.Name, nonce, stored, $"segment {number}");
        if (!segment.Compressed)
            return content.Length == segment.PlainLength ? content : throw new DamageException(pack.Name, $"segment {number} has a wrong length");
        var plain = new byte[segment.PlainLength];
        _decompressor.Unwrap(pack.Name, number, content, plain);
        return plain;
    }

    /// <summary>The table at the pack's end.</summary>
    public async Task<PackTable> ReadTableAsync(string name, CancellationToken cancellationToken)
    {
        var size = (await _repository.Store.HeadAsync(name, cancellationToken).ConfigureAwait(false))?.Size
            ?? throw new DamageException(name, "it is missing");
        if (size < KeyRing.HeaderLength + KeyRing.TagLength + PackWriter.TrailerLength)
            throw new DamageException(name, "it is truncated");
        var trailer = new byte[PackWriter.TrailerLength];
        await _repository.Store.GetRangeAsync(name, size - trailer.Length, trailer, cancellationToken).ConfigureAwait(false);
        var length = BinaryPrimitives.ReadInt32LittleEndian(trailer);
        var start = size - trailer.Length - KeyRing.TagLength - (long)length;
        if (!trailer.AsSpan(4).SequenceEqual(PackWriter.EndMagic) || length < 0 || start < KeyRing.HeaderLength)
            throw new DamageException(name, "it is truncated or changed: its end mark is missing");
        await UseAsync(name, cancellationToken).ConfigureAwait(false);
        var footer = new byte[length + KeyRing.TagLength];
        await _repository.Store.GetRangeAsync(name, start, footer, cancellationToken).ConfigureAwait(false);
        var nonce = new byte[12];
        nonce.AsSpan().Fill(0xFF);
        using var reader = new BinaryReader(new MemoryStream(Decrypt(name, nonce, footer, "its table")));
        var table = PackTable.Read(reader, name);
        if (table.Name != name || table.Size != start)
            throw new DamageException(name, "its table belongs to another pack");
        return table;
    }

    public void Dispose()
    {
        _decompressor.Dispose();
        _cipher?.Dispose();
    }

    private async Task UseAsync(string name, CancellationToken cancellationToken)
    {
        if (_name == name)
            return;
        _name = "";
        _cipher?.Dispose();
        _cipher = null;
        if (await _repository.Store.HeadAsync(name, cancellationToken).ConfigureAwait(false) is not { Size: var size })
            throw new DamageException(name, "it is missing");
        if (size < KeyRing.HeaderLength)
            throw new DamageException(name, "it is truncated");
        var header = new byte[KeyRing.HeaderLength];
        await _repository.Store.GetRangeAsync(name, 0, header, cancellationToken).ConfigureAwait(false);
        if (!header.AsSpan(0, 4).SequenceEqual(PackWriter.Magic))
            throw new DamageException(name, "it is no pack");
        _cipher = _repository.Keys.Cipher("pack", name, header.AsSpan(4));
        _name = name;
    }

    private byte[] Decrypt(string name, byte[] nonce, byte[] stored, string what)
    {
        var content = new byte[stored.Length - KeyRing.TagLength];
        try
        {
            _cipher!.Decrypt(nonce, stored.AsSpan(0, content.Length), stored.AsSpan(content.Length), content, KeyRing.Bind("pack", name));
            return content;
        }
        catch (AuthenticationTagMismatchException error)
        {
            throw new DamageException(name, $"{what} does not authenticate: it was changed, or put in another's place", error);
        }
    }
}
