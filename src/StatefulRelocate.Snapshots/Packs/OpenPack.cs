using System.Buffers.Binary;
using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Snapshots.Packs;

/// <summary>
/// A pack being filled by several workers: each reserves a place for its segment, then encrypts into it. Whoever finishes the last
/// segment of a closed pack puts it. Reserving and closing are done by one at a time.
/// </summary>
internal sealed class OpenPack
{
    private readonly List<PackSegment> _segments = [];
    private int _users = 1;

    public OpenPack(KeyRing keys, byte[] buffer)
    {
        Buffer = buffer;
        Name = "packs/" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        PackWriter.Magic.CopyTo(buffer, 0);
        RandomNumberGenerator.Fill(buffer.AsSpan(4, KeyRing.SaltLength));
        Keys = keys;
        Bound = KeyRing.Bind("pack", Name);
        Length = KeyRing.HeaderLength;
    }

    public string Name { get; }

    public byte[] Buffer { get; }

    public KeyRing Keys { get; }

    /// <summary>What every part of the pack is bound to.</summary>
    public byte[] Bound { get; }

    public int Length { get; private set; }

    public int BlockCount { get; private set; }

    public AesGcm Cipher() => Keys.Cipher("pack", Name, Buffer.AsSpan(4, KeyRing.SaltLength));

    /// <summary>Reserves the place of a segment; its number.</summary>
    public int Reserve(int length, int plainLength, bool compressed, UInt128[] ids, ushort[] lengths)
    {
        _segments.Add(new PackSegment(Length, length + KeyRing.TagLength, plainLength, compressed, ids, lengths));
        Length += length + KeyRing.TagLength;
        BlockCount += ids.Length;
        _ = Interlocked.Increment(ref _users);
        return _segments.Count - 1;
    }

    public void Encrypt(AesGcm cipher, int number, ReadOnlySpan<byte> content)
    {
        Span<byte> nonce = stackalloc byte[12];
        nonce.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(nonce, number);
        var at = (int)_segments[number].Offset;
        cipher.Encrypt(nonce, content, Buffer.AsSpan(at, content.Length), Buffer.AsSpan(at + content.Length, KeyRing.TagLength), Bound);
    }

    /// <summary>One segment is written, or the pack closed; true when it was the last thing to wait for.</summary>
    public bool Leave() => Interlocked.Decrement(ref _users) == 0;

    /// <summary>Footer: the table, sealed with the nonce that no segment has; then its length and the end mark.</summary>
    public PackTable Seal()
    {
        var table = new PackTable(Name, Length, [.. _segments]);
        using var memory = new MemoryStream();
        using (var writer = new BinaryWriter(memory))
            table.Write(writer);
        var footer = memory.ToArray();
        Span<byte> nonce = stackalloc byte[12];
        nonce.Fill(0xFF);
        using (var cipher = Cipher())
            cipher.Encrypt(nonce, footer, Buffer.AsSpan(Length, footer.Length), Buffer.AsSpan(Length + footer.Length, KeyRing.TagLength), Bound);
        Length += footer.Length + KeyRing.TagLength;
        BinaryPrimitives.WriteInt32LittleEndian(Buffer.AsSpan(Length), footer.Length);
        PackWriter.EndMagic.CopyTo(Buffer, Length + 4);
        Length += PackWriter.TrailerLength;
        return table;
    }
}
