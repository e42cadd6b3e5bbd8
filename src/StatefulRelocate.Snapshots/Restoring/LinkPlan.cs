using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>The hard links to be made when all files are done: a file may be made by another thread, later than its links are met.</summary>
internal sealed class LinkPlan
{
    private readonly TargetTree _tree;
    private readonly List<(TargetDirectory Directory, string Name, TreeEntry Entry)> _links = [];
    private readonly Dictionary<EntryKey, StatIdentity> _kept = [];

    public LinkPlan(TargetTree tree) => _tree = tree;

    /// <summary>A first name that stays what it is.</summary>
    public void Remember(EntryKey key, StatIdentity identity, IReadOnlySet<EntryKey> groups)
    {
        if (groups.Contains(key))
            _kept[key] = identity;
    }

    /// <summary>Whether a name that was found already is a link to that kept file.</summary>
    public bool IsSame(EntryKey first, StatIdentity found)
        => _kept.TryGetValue(first, out var kept) && kept.Inode == found.Inode && kept.Device == found.Device;

    public void Add(TargetDirectory directory, string name, TreeEntry entry)
    {
        directory.Retain();
        _links.Add((directory, name, entry));
    }

    /// <summary>Makes them all.</summary>
    /// <returns>What the files that got more names are now: a new name moves the ctime.</returns>
    public Dictionary<EntryKey, StatIdentity> Make(Func<EntryKey, StatIdentity?> settled, CancellationToken cancellationToken)
    {
        var moved = new Dictionary<EntryKey, StatIdentity>();
        foreach (var (directory, name, entry) in _links)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var first = new EntryKey(entry.Volume, entry.LinkTarget);
            var (from, fromName) = _tree.Parent(first);
            var was = moved.TryGetValue(first, out var last) ? last : settled(first) ?? (_kept.TryGetValue(first, out var kept) ? kept : default);
            var before = from.FactsAt(fromName);
            if (before is null or { Type: EntryType.Directory })
                throw new DamageException(directory.Handle.Show(name), $"it is a hard link to '{PathText.Show(entry.LinkTarget)}', which is not there");
            directory.Handle.MakeHardLink(name, from, fromName);
            var after = from.FactsAt(fromName);

            // Only where nothing but the name came to it is what was read back still what is there.
            moved[first] = before.Value.Identity == was && after is { } now && now.Identity with { Changed = was.Changed } == was ? now.Identity : default;
            directory.Release();
        }

        _links.Clear();
        return moved;
    }
}
