using System.Buffers.Binary;
using System.Collections.Immutable;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Manifests;
using ZstdSharp;

namespace StatefulRelocate.Snapshots.Maps;

/// <summary>Reads the layers of a snapshot's tree, one on top of another.</summary>
internal static class LayerReader
{
    /// <summary>The whole tree; its root is checked against the manifest's.</summary>
    /// <exception cref="DamageException">A part is missing or is not what was written.</exception>
    public static async Task<SortedDictionary<EntryKey, TreeEntry>> ReadAllAsync(Repository repository, SnapshotManifest manifest, CancellationToken cancellationToken)
    {
        var tree = new SortedDictionary<EntryKey, TreeEntry>();
        foreach (var layer in manifest.Layers)
            await ApplyAsync(repository, layer, tree, cancellationToken).ConfigureAwait(false);
        RequireRoot(repository, manifest, tree);
        return tree;
    }

    public static void RequireRoot(Repository repository, SnapshotManifest manifest, SortedDictionary<EntryKey, TreeEntry> tree)
    {
        if (TreeHash.Root(repository.Keys, tree.Values) != manifest.RootHash)
            throw new DamageException("snapshots/" + manifest.Id, "its tree does not have the root hash that it was sealed with");
        foreach (var entry in tree.Values)
        {
            if (entry.Volume >= manifest.Volumes.Length)
                throw new DamageException("snapshots/" + manifest.Id, "its tree names a volume that it does not have");
            if (entry.Path.Length > 0 && (!tree.TryGetValue(new EntryKey(entry.Volume, PathText.Parent(entry.Path)), out var parent) || parent.Type != EntryType.Directory))
                throw new DamageException("snapshots/" + manifest.Id, $"'{PathText.Show(entry.Path)}' lies in no directory");
            if (entry.Type == EntryType.HardLink && (!tree.TryGetValue(new EntryKey(entry.Volume, entry.LinkTarget), out var target) || target.Type is EntryType.Directory or EntryType.HardLink))
                throw new DamageException("snapshots/" + manifest.Id, $"'{PathText.Show(entry.Path)}' is a hard link to nothing in its volume");
        }
    }

    /// <summary>Puts one layer on top of a tree.</summary>
    public static async Task ApplyAsync(Repository repository, ImmutableArray<string> parts, SortedDictionary<EntryKey, TreeEntry> tree, CancellationToken cancellationToken)
    {
        using var memory = new MemoryStream();
        var where = parts.IsDefaultOrEmpty ? "maps/" : parts[0];
        foreach (var part in parts)
        {
            if (!part.StartsWith("maps/", StringComparison.Ordinal))
                throw new DamageException(part, "it is no part of a tree");
            var stored = await repository.Store.GetAsync(part, cancellationToken).ConfigureAwait(false) ?? throw new DamageException(part, "it is missing");
            memory.Write(Decompress(part, repository.Keys.Open("map", part, stored.Content)));
        }

        memory.Position = 0;
        using var reader = new BinaryReader(memory);
        try
        {
            while (memory.Position < memory.Length)
                ReadRecord(repository, reader, where, tree);
        }
        catch (Exception error) when (error is IOException or FormatException)
        {
            throw new DamageException(where, "a record in it is cut off", error);
        }
    }

    private static byte[] Decompress(string part, byte[] content)
    {
        using var decompressor = new Decompressor();
        try
        {
            return decompressor.Unwrap(content, LayerWriter.PartLength * 8).ToArray();
        }
        catch (ZstdException error)
        {
            throw new DamageException(part, "it cannot be decompressed", error);
        }
    }

    private static void ReadRecord(Repository repository, BinaryReader reader, string where, SortedDictionary<EntryKey, TreeEntry> tree)
    {
        switch (reader.ReadByte())
        {
            case LayerWriter.RemoveRecord:
                tree.Remove(new EntryKey(reader.Read7BitEncodedInt(), EntryCodec.ReadText(reader, where)));
                break;
            case LayerWriter.PutRecord:
                var entry = EntryCodec.ReadIdentity(reader, where);
                if (entry.Type == EntryType.File)
                    entry = entry with { Blocks = ReadBlocks(reader, where, entry, tree.GetValueOrDefault(entry.Key)) };
                else if (entry.Size != 0)
                    throw new DamageException(where, $"the entry '{PathText.Show(entry.Path)}' is impossible");
                tree[entry.Key] = entry with { Digest = TreeHash.Entry(repository.Keys, entry) };
                break;
            default:
                throw new DamageException(where, "it holds a record of an unknown kind");
        }
    }

    private static UInt128[] ReadBlocks(BinaryReader reader, string where, TreeEntry entry, TreeEntry? below)
    {
        var kind = reader.ReadByte();
        var count = Chunks.Blocks.Count(entry.Size);
        var left = reader.BaseStream.Length - reader.BaseStream.Position;
        if (kind == LayerWriter.FullMap)
        {
            // The map must be there in full, so a size that the object cannot hold allocates nothing.
            if (count * 16 > left)
                throw new EndOfStreamException();
            var blocks = new UInt128[count];
            ReadIds(reader, blocks, 0, blocks.Length);
            return blocks;
        }

        if (kind != LayerWriter.ChangedMap || below is not { Type: EntryType.File } || count > below.Blocks.Length + left / 16)
            throw new DamageException(where, $"the block map of '{PathText.Show(entry.Path)}' is impossible");
        var changed = new UInt128[count];
        Array.Copy(below.Blocks, changed, Math.Min(below.Blocks.Length, changed.Length));
        var runs = reader.Read7BitEncodedInt();
        long position = 0;
        for (var run = 0; run < runs; run++)
        {
            position += (uint)reader.Read7BitEncodedInt();
            long length = (uint)reader.Read7BitEncodedInt();
            if (position + length > changed.Length)
                throw new DamageException(where, $"the block map of '{PathText.Show(entry.Path)}' is impossible");
            ReadIds(reader, changed, (int)position, (int)length);
            position += length;
        }

        return changed;
    }

    private static void ReadIds(BinaryReader reader, UInt128[] into, int start, int length)
    {
        Span<byte> id = stackalloc byte[16];
        for (var i = start; i < start + length; i++)
        {
            reader.BaseStream.ReadExactly(id);
            into[i] = BinaryPrimitives.ReadUInt128BigEndian(id);
        }
    }
}
