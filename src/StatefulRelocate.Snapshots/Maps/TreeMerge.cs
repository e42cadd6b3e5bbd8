using System.Collections.Immutable;
using StatefulRelocate.Snapshots.Restoring;

namespace StatefulRelocate.Snapshots.Maps;

/// <summary>An entry of a tree, and what the rows that it was laid upon say under the same name.</summary>
internal readonly record struct MergedEntry(TreeEntry Entry, TargetRow? Row)
{
    /// <summary>The entry with its blocks, also where it is the row's own.</summary>
    public TreeEntry Whole() => ReferenceEquals(Entry, Row?.Entry) ? Entry with { Blocks = Row.Map() } : Entry;
}

/// <summary>Lays layers upon one another, and upon rows, in path order; in memory is one entry for each.</summary>
internal static class TreeMerge
{
    /// <param name="repository">Where the layers are.</param>
    /// <param name="rows">The lowest layer, with digests; or nothing.</param>
    /// <param name="layers">What lies on it, the lowest first.</param>
    /// <param name="gone">Is given the rows whose name the layers take away.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The tree's entries in order, each with its digest.</returns>
    /// <exception cref="Keys.DamageException">A layer is not what was written.</exception>
    public static IEnumerable<MergedEntry> Read(
        Repository repository, IEnumerable<TargetRow> rows, IEnumerable<ImmutableArray<string>> layers, Action<TargetRow>? gone, CancellationToken cancellationToken)
    {
        using var row = rows.GetEnumerator();
        var cursors = new List<LayerCursor>();
        try
        {
            cursors.AddRange(layers.Select(layer => new LayerCursor(repository, layer, cancellationToken)));
            var live = cursors.Where(c => c.MoveNext()).ToList();
            var hasRow = row.MoveNext();
            while (hasRow || live.Count > 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var key = hasRow ? row.Current.Entry.Key : live[0].Key;
                foreach (var cursor in live)
                    key = cursor.Key.CompareTo(key) < 0 ? cursor.Key : key;
                var below = hasRow && row.Current.Entry.Key == key ? row.Current : null;
                var entry = below?.Entry;
                for (var i = 0; i < live.Count; i++)
                {
                    if (live[i].Key != key)
                        continue;
                    entry = live[i].Take(below is not null && ReferenceEquals(entry, below.Entry) ? entry with { Blocks = below.Map() } : entry);
                    if (!live[i].MoveNext())
                        live.RemoveAt(i--);
                }

                if (entry is not null)
                    yield return new MergedEntry(entry.Digest.Length > 0 ? entry : entry with { Digest = TreeHash.Entry(repository.Keys, entry) }, below);
                else if (below is not null)
                    gone?.Invoke(below);
                if (below is not null)
                    hasRow = row.MoveNext();
            }
        }
        finally
        {
            cursors.ForEach(c => c.Dispose());
        }
    }

    /// <summary>Gives each entry the row of the same name, from rows in the same order; those of other names are gone.</summary>
    public static IEnumerable<MergedEntry> Join(IEnumerable<MergedEntry> entries, IEnumerable<TargetRow> rows, Action<TargetRow>? gone)
    {
        using var row = rows.GetEnumerator();
        var has = row.MoveNext();
        foreach (var merged in entries)
        {
            for (; has && row.Current.Entry.Key.CompareTo(merged.Entry.Key) < 0; has = row.MoveNext())
                gone?.Invoke(row.Current);
            var same = has && row.Current.Entry.Key == merged.Entry.Key;
            yield return merged with { Row = same ? row.Current : null };
            if (same)
                has = row.MoveNext();
        }

        for (; has; has = row.MoveNext())
            gone?.Invoke(row.Current);
    }
}
