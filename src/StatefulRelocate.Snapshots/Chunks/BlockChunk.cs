using System.Runtime.InteropServices;
using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Snapshots.Chunks;

/// <summary>The ids of up to 512 successive blocks (4 MiB) of a file, at least one of which is not zero. Never changed once it is built.</summary>
internal sealed class BlockChunk
{
    public const int DigestLength = 32;
    private byte[]? _digest;

    private BlockChunk(UInt128[] ids) => Ids = ids;

    /// <summary>One for each block; fewer than 512 only in the last chunk of a file.</summary>
    public UInt128[] Ids { get; }

    /// <summary>A chunk of these ids, or null where all are zeros. Takes the array over.</summary>
    public static BlockChunk? Of(UInt128[] ids) => ids.AsSpan().ContainsAnyExcept(default(UInt128)) ? new BlockChunk(ids) : null;

    /// <summary>The keyed hash of the ids; computed once.</summary>
    public byte[] Digest(KeyRing keys) => _digest ??= DigestOf(keys, Ids);

    public static byte[] DigestOf(KeyRing keys, ReadOnlySpan<UInt128> ids) => HMACSHA256.HashData(keys.TreeKey, Bytes(ids));

    public static void DigestOf(KeyRing keys, ReadOnlySpan<UInt128> ids, Span<byte> into) => HMACSHA256.HashData(keys.TreeKey, Bytes(ids), into);

    public bool SameAs(BlockChunk other) => ReferenceEquals(this, other) || Ids.AsSpan().SequenceEqual(other.Ids);

    /// <summary>The ids as they are stored: the bytes of a <see cref="UInt128"/> in memory are the first 16 of the HMAC.</summary>
    public static ReadOnlySpan<byte> Bytes(ReadOnlySpan<UInt128> ids) => MemoryMarshal.AsBytes(ids);
}
