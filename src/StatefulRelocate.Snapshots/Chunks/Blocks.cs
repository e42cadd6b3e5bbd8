using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Snapshots.Chunks;

/// <summary>The fixed blocks that files are cut into, and how they are named.</summary>
internal static class Blocks
{
    /// <summary>Bytes in a block; the last of a file may be shorter. 8 KiB: the page of PostgreSQL, and the size that ships least.</summary>
    public const int Size = 8192;

    public static long Count(long fileSize) => (fileSize + Size - 1) / Size;

    public static int Length(long fileSize, long block) => (int)Math.Min(Size, fileSize - block * Size);

    /// <summary>The keyed content id: 128 bits of HMAC-SHA-256, so that nobody without the key can tell or forge one. Zeros have the id 0.</summary>
    public static UInt128 Identify(KeyRing keys, ReadOnlySpan<byte> content)
    {
        if (IsZero(content))
            return default;
        Span<byte> hash = stackalloc byte[32];
        HMACSHA256.HashData(keys.ContentKey, content, hash);
        return MemoryMarshal.Read<UInt128>(hash);
    }

    /// <summary>The same by a hash that was made once with the content key: a fifth faster.</summary>
    public static UInt128 Identify(IncrementalHash contentHash, ReadOnlySpan<byte> content)
    {
        if (IsZero(content))
            return default;
        Span<byte> hash = stackalloc byte[32];
        contentHash.AppendData(content);
        contentHash.GetHashAndReset(hash);
        return MemoryMarshal.Read<UInt128>(hash);
    }

    /// <summary>A fast fingerprint for comparing with the same block of the round before; it never leaves this machine.</summary>
    public static UInt128 Fingerprint(ReadOnlySpan<byte> content, long seed) => XxHash128.HashToUInt128(content, seed);

    public static bool IsZero(ReadOnlySpan<byte> content) => !content.ContainsAnyExcept((byte)0);
}
