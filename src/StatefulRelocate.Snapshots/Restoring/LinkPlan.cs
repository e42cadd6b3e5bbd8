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

    /// <summary>Makes them all. A new name moves the ctime of its file, so that the next round reads and compares that file.</summary>
    public void Make(CancellationToken cancellationToken)
    {
        foreach (var (directory, name, entry) in _links)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (from, fromName) = _tree.Parent(new EntryKey(entry.Volume, entry.LinkTarget));
            if (from.FactsAt(fromName) is null or { Type: EntryType.Directory })
                throw new DamageException(directory.Handle.Show(name), $"it is a hard link to '{PathText.Show(entry.LinkTarget)}', which is not there");
            directory.Handle.MakeHardLink(name, from, fromName);
            directory.Release();
        }

        _links.Clear();
    }
}
