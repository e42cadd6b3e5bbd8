using System.Collections.Immutable;
using System.Runtime.InteropServices;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Manifests;
using ZstdNet;

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

    internal static byte[] Decompress(string part, byte[] content)
    {
        using var decompressor = new Decompressor();
        try
        {
            return decompressor.Unwrap(content, LayerWriter.PartLength * 8);
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

    internal static BlockMap ReadBlocks(BinaryReader reader, string where, TreeEntry entry, TreeEntry? below)
    {
        var kind = reader.ReadByte();
        var count = Blocks.Count(entry.Size);
        if (kind == LayerWriter.ChangedMap ? below is not { Type: EntryType.File } : kind != LayerWriter.FullMap)
            throw Impossible(where, entry);
        var map = new BlockMap.Builder(count, kind == LayerWriter.ChangedMap ? below!.Blocks : null);
        long number = -1;
        while (reader.Read7BitEncodedInt64() is var step and not 0)
        {
            // Compared this way round, so that a hostile step overflows nothing.
            if (step < 0 || step > BlockMap.ChunksOf(count) - 1 - number)
                throw Impossible(where, entry);
            number += step;
            map.Set(number, ReadChunk(reader, where, entry, BlockMap.BlocksIn(count, number), map.Chunk(number)));
        }

        return map.ToMap();
    }

    private static BlockChunk? ReadChunk(BinaryReader reader, string where, TreeEntry entry, int count, BlockChunk? below)
    {
        var ids = new UInt128[count];
        switch (reader.ReadByte())
        {
            case LayerWriter.ZeroChunk:
                return null;
            case LayerWriter.FullChunk:
                ReadIds(reader, ids);
                return BlockChunk.Of(ids);
            case LayerWriter.ChangedChunk:
                below?.Ids.CopyTo(ids, 0);
                var position = 0;
                for (var runs = reader.Read7BitEncodedInt(); runs > 0; runs--)
                {
                    var (skipped, length) = (reader.Read7BitEncodedInt(), reader.Read7BitEncodedInt());
                    if (skipped < 0 || skipped > count - position || length < 0 || length > count - position - skipped)
                        throw Impossible(where, entry);
                    ReadIds(reader, ids.AsSpan(position + skipped, length));
                    position += skipped + length;
                }

                return BlockChunk.Of(ids);
            default:
                throw Impossible(where, entry);
        }
    }

    private static void ReadIds(BinaryReader reader, Span<UInt128> into) => reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(into));

    private static DamageException Impossible(string where, TreeEntry entry) => new(where, $"the block map of '{PathText.Show(entry.Path)}' is impossible");
}
