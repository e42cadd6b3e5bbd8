using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Snapshots.Maps;

/// <summary>
/// The hash tree: blocks (their content ids), chunks (over 128 ids), entries (over path, metadata and chunks), root (over all entries
/// in path order). The format document gives the exact bytes.
/// </summary>
internal static class TreeHash
{
    public static byte[] Entry(KeyRing keys, TreeEntry entry)
    {
        using var memory = new MemoryStream(256);
        using var writer = new BinaryWriter(memory);
        EntryCodec.WriteIdentity(writer, entry);
        foreach (var (number, chunk) in entry.Blocks.Stored())
        {
            writer.Write(number);
            writer.Write(chunk.Digest(keys));
        }

        return HMACSHA256.HashData(keys.TreeKey, memory.GetBuffer().AsSpan(0, (int)memory.Length));
    }

    public static string Root(KeyRing keys, IEnumerable<TreeEntry> inOrder)
    {
        using var root = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, keys.TreeKey);
        foreach (var entry in inOrder)
            root.AppendData(entry.Digest);
        return Convert.ToHexStringLower(root.GetHashAndReset());
    }
}
