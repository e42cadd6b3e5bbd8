using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>
/// Gives the target the names and types of the snapshot: removes what is not in it, makes what is missing. A file is kept only where
/// all names of its inode are ours, so that nothing is ever written through a hard link that leads elsewhere.
/// </summary>
internal sealed class TargetShape
{
    private readonly TargetTree _tree;
    private readonly SortedDictionary<EntryKey, FileFacts> _found;
    private readonly SortedDictionary<EntryKey, TreeEntry> _wanted;
    private readonly HashSet<EntryKey> _keep = [];

    public TargetShape(TargetTree tree, SortedDictionary<EntryKey, FileFacts> found, SortedDictionary<EntryKey, TreeEntry> wanted)
    {
        (_tree, _found, _wanted) = (tree, found, wanted);
        Decide();
    }

    /// <summary>Whether anything has to be removed or made.</summary>
    public bool Differs => _keep.Count != _found.Count || _keep.Count != _wanted.Count;

    /// <summary>Whether the name stays as it is; only its content and metadata may have to change.</summary>
    public bool Keeps(EntryKey key) => _keep.Contains(key);

    public void Apply(CancellationToken cancellationToken)
    {
        foreach (var (key, facts) in _found.Reverse())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_keep.Contains(key))
                continue;
            if (facts.Type == EntryType.Directory)
                _tree.CloseDirectories();
            var (directory, name) = _tree.Parent(key);
            directory.Remove(name, facts.Type);
        }

        foreach (var entry in _wanted.Values)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!_keep.Contains(entry.Key))
                Make(entry);
        }
    }

    private void Decide()
    {
        var names = _found.Values.Where(f => f.Type != EntryType.Directory).GroupBy(f => (f.Identity.Device, f.Identity.Inode)).ToDictionary(g => g.Key, g => g.Count());
        var claimed = new Dictionary<(ulong, ulong), EntryKey>();
        foreach (var entry in _wanted.Values)
        {
            if (!_found.TryGetValue(entry.Key, out var facts))
                continue;
            var inode = (facts.Identity.Device, facts.Identity.Inode);
            var kept = entry.Type switch
            {
                EntryType.Directory => facts.Type == EntryType.Directory,
                EntryType.HardLink => facts.Type != EntryType.Directory && claimed.TryGetValue(inode, out var first) && first == new EntryKey(entry.Volume, entry.LinkTarget),
                _ => facts.Type == entry.Type && facts.Links == names[inode] && claimed.TryAdd(inode, entry.Key) && SameLink(entry),
            };
            if (kept)
                _keep.Add(entry.Key);
        }
    }

    private bool SameLink(TreeEntry entry)
    {
        if (entry.Type != EntryType.SymbolicLink)
            return true;
        var (directory, name) = _tree.Parent(entry.Key);
        return directory.ReadLink(name) == entry.LinkTarget;
    }

    private void Make(TreeEntry entry)
    {
        var (directory, name) = _tree.Parent(entry.Key);
        switch (entry.Type)
        {
            case EntryType.Directory:
                directory.MakeDirectory(name);
                break;
            case EntryType.SymbolicLink:
                directory.MakeSymbolicLink(name, entry.LinkTarget);
                break;
            case EntryType.Fifo:
                directory.MakeFifo(name);
                break;
            case EntryType.HardLink:
                // The first name sorts before its links, so it is there. Reached from the root again: it may lie in another directory.
                using (var from = _tree.Roots[entry.Volume].OpenDirectoryAt("."))
                    LinkFrom(from, PathText.Parent(entry.LinkTarget), PathText.Name(entry.LinkTarget), directory, name);
                break;
            default:
                directory.OpenAt(name, Posix.WriteOnly | Posix.Create | Posix.Exclusive, 0x180).Dispose();
                break;
        }
    }

    private static void LinkFrom(OpenDirectory at, string parent, string target, OpenDirectory directory, string name)
    {
        if (parent.Length == 0)
        {
            directory.MakeHardLink(name, at, target);
            return;
        }

        var slash = parent.IndexOf('/', StringComparison.Ordinal);
        using var below = at.OpenDirectoryAt(slash < 0 ? parent : parent[..slash]);
        LinkFrom(below, slash < 0 ? "" : parent[(slash + 1)..], target, directory, name);
    }
}
