using StatefulRelocate.Snapshots.Maps;

namespace StatefulRelocate.Snapshots.Manifests;

/// <summary>One path that differs between two snapshots, or that a restore would change.</summary>
/// <param name="Kind"><c>+</c> added, <c>-</c> removed, <c>M</c> content changed, <c>U</c> metadata changed.</param>
/// <param name="Volume">The volume.</param>
/// <param name="Path">The path in it; empty for the volume's own directory.</param>
/// <param name="BytesChanged">Bytes in blocks that differ; of a name that a restore would remove, what that frees.</param>
public sealed record SnapshotDifference(string Kind, string Volume, string Path, long BytesChanged);

internal static class SnapshotDiff
{
    public static IReadOnlyList<SnapshotDifference> Compare(
        SnapshotManifest from, SortedDictionary<EntryKey, TreeEntry> before, SnapshotManifest to, SortedDictionary<EntryKey, TreeEntry> after)
    {
        var found = new SortedDictionary<(string, string), SnapshotDifference>();
        var old = before.Values.ToDictionary(e => (from.Volumes[e.Volume], e.Path));
        foreach (var entry in after.Values)
        {
            var key = (to.Volumes[entry.Volume], entry.Path);
            if (!old.Remove(key, out var previous))
                Add("+", key, entry.Size);
            else if (previous.Type != entry.Type || previous.LinkTarget != entry.LinkTarget || ChangedBytes(previous, entry) > 0 || previous.Size != entry.Size)
                Add("M", key, ChangedBytes(previous, entry));
            else if (!previous.Digest.AsSpan().SequenceEqual(entry.Digest))
                Add("U", key, 0);
        }

        foreach (var (key, _) in old)
            Add("-", key, 0);
        return [.. found.Values];

        void Add(string kind, (string Volume, string Path) key, long bytes) => found[key] = new(kind, key.Volume, PathText.Show(key.Path), bytes);
    }

    private static long ChangedBytes(TreeEntry before, TreeEntry after) => after.Blocks.ChangedSince(before.Blocks).Sum(block => (long)Chunks.Blocks.Length(after.Size, block));
}
