using System.Runtime.InteropServices;
using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Snapshots.Chunks;

/// <summary>The ids of up to 128 successive blocks (1 MiB) of a file, at least one of which is not zero. Never changed once it is built.</summary>
internal sealed class BlockChunk
{
    public const int DigestLength = 32;
    private readonly Func<UInt128[]>? _load;
    private UInt128[]? _ids;
    private byte[]? _digest;

    private BlockChunk(UInt128[] ids) => (_ids, Count) = (ids, ids.Length);

    private BlockChunk(int count, byte[] digest, Func<UInt128[]> load) => (Count, _digest, _load) = (count, digest, load);

    /// <summary>How many ids it has; fewer than 128 only in the last chunk of a file.</summary>
    public int Count { get; }

    /// <summary>One for each block; read when first asked for, where it was not yet.</summary>
    /// <exception cref="Exception">What reading them fails with.</exception>
    public UInt128[] Ids => _ids ??= _load!();

    /// <summary>A chunk of these ids, or null where all are zeros. Takes the array over.</summary>
    public static BlockChunk? Of(UInt128[] ids) => ids.AsSpan().ContainsAnyExcept(default(UInt128)) ? new BlockChunk(ids) : null;

    /// <summary>A chunk of which only the hash is known: most chunks of a large file are compared by that, and their ids never needed.</summary>
    /// <param name="count">How many ids it has.</param>
    /// <param name="digest">Their keyed hash.</param>
    /// <param name="load">Reads them, and demands that they have that hash and are not all zeros. May be called by several threads.</param>
    public static BlockChunk Of(int count, byte[] digest, Func<UInt128[]> load) => new(count, digest, load);

    /// <summary>The keyed hash of the ids; computed once.</summary>
    public byte[] Digest(KeyRing keys) => _digest ??= DigestOf(keys, Ids);

    public static byte[] DigestOf(KeyRing keys, ReadOnlySpan<UInt128> ids) => HMACSHA256.HashData(keys.TreeKey, Bytes(ids));

    public static void DigestOf(KeyRing keys, ReadOnlySpan<UInt128> ids, Span<byte> into) => HMACSHA256.HashData(keys.TreeKey, Bytes(ids), into);

    public bool SameAs(BlockChunk other) => ReferenceEquals(this, other) || Ids.AsSpan().SequenceEqual(other.Ids);

    /// <summary>The ids as they are stored: the bytes of a <see cref="UInt128"/> in memory are the first 16 of the HMAC.</summary>
    public static ReadOnlySpan<byte> Bytes(ReadOnlySpan<UInt128> ids) => MemoryMarshal.AsBytes(ids);
}
