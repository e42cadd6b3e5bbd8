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

    public OpenPack(KeyRing keys, Memory<byte> buffer)
    {
        Buffer = buffer;
        Name = "packs/" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        PackWriter.Magic.CopyTo(buffer);
        RandomNumberGenerator.Fill(buffer.Span.Slice(4, KeyRing.SaltLength));
        Keys = keys;
        Bound = KeyRing.Bind("pack", Name);
        Length = KeyRing.HeaderLength;
    }

    public string Name { get; }

    public Memory<byte> Buffer { get; }

    public KeyRing Keys { get; }

    /// <summary>What every part of the pack is bound to.</summary>
    public byte[] Bound { get; }

    public int Length { get; private set; }

    public int BlockCount { get; private set; }

    public AesGcm Cipher() => Keys.Cipher("pack", Name, Buffer.Span.Slice(4, KeyRing.SaltLength));

    /// <summary>Reserves the place of a segment; its number.</summary>
    public int Reserve(DraftSegment draft)
    {
        _segments.Add(new PackSegment(Length, draft.Length + KeyRing.TagLength, draft.PlainLength, draft.Compressed, draft.Ids, draft.Lengths));
        Length += draft.Length + KeyRing.TagLength;
        BlockCount += draft.Ids.Length;
        _ = Interlocked.Increment(ref _users);
        return _segments.Count - 1;
    }

    public void Encrypt(AesGcm cipher, int number, ReadOnlySpan<byte> content)
    {
        Span<byte> nonce = stackalloc byte[12];
        nonce.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(nonce, number);
        var place = Buffer.Span[(int)_segments[number].Offset..];
        cipher.Encrypt(nonce, content, place[..content.Length], place.Slice(content.Length, KeyRing.TagLength), Bound);
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
        var end = Buffer.Span[Length..];
        using (var cipher = Cipher())
            cipher.Encrypt(nonce, footer, end[..footer.Length], end.Slice(footer.Length, KeyRing.TagLength), Bound);
        end = end[(footer.Length + KeyRing.TagLength)..];
        BinaryPrimitives.WriteInt32LittleEndian(end, footer.Length);
        PackWriter.EndMagic.CopyTo(end[4..]);
        Length += footer.Length + KeyRing.TagLength + PackWriter.TrailerLength;
        return table;
    }
}
