using System.Buffers.Binary;
using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Snapshots.Maps;

/// <summary>
/// The hash tree: blocks (their content ids), files (over their ids), entries (over path, metadata and blocks), root (over all entries
/// in path order). The format document gives the exact bytes.
/// </summary>
internal static class TreeHash
{
    public static byte[] Entry(KeyRing keys, TreeEntry entry)
    {
        using var memory = new MemoryStream(256);
        using var writer = new BinaryWriter(memory);
        EntryCodec.WriteIdentity(writer, entry);
        writer.Write(BlocksOf(keys, entry.Blocks));
        return HMACSHA256.HashData(keys.TreeKey, memory.GetBuffer().AsSpan(0, (int)memory.Length));
    }

    public static string Root(KeyRing keys, IEnumerable<TreeEntry> inOrder)
    {
        using var root = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, keys.TreeKey);
        foreach (var entry in inOrder)
            root.AppendData(entry.Digest);
        return Convert.ToHexStringLower(root.GetHashAndReset());
    }

    private static byte[] BlocksOf(KeyRing keys, UInt128[] blocks)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, keys.TreeKey);
        var buffer = new byte[Math.Min(blocks.Length, 1024) * 16];
        for (var start = 0; start < blocks.Length; start += 1024)
        {
            var count = Math.Min(1024, blocks.Length - start);
            for (var i = 0; i < count; i++)
                BinaryPrimitives.WriteUInt128BigEndian(buffer.AsSpan(i * 16), blocks[start + i]);
            hash.AppendData(buffer, 0, count * 16);
        }

        return hash.GetHashAndReset();
    }
}
