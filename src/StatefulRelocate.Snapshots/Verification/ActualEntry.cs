using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Restoring;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>Describes a name of the target as it is, in the terms of a snapshot.</summary>
internal static class ActualEntry
{
    /// <param name="keys">The repository's keys.</param>
    /// <param name="tree">The target.</param>
    /// <param name="key">The name.</param>
    /// <param name="facts">Its facts, taken before its content was read.</param>
    /// <param name="blocks">The content ids of a file.</param>
    /// <param name="wanted">The snapshot's entry, for what this process could not set and the journal says so; or null.</param>
    /// <param name="substitute">Whether owner and attributes are taken from <paramref name="wanted"/>.</param>
    public static TreeEntry Describe(KeyRing keys, TargetTree tree, EntryKey key, FileFacts facts, BlockMap blocks, TreeEntry? wanted, bool substitute)
    {
        var (directory, name) = tree.Parent(key);
        var entry = new TreeEntry
        {
            Volume = key.Volume,
            Path = key.Path,
            Type = facts.Type,
            Mode = facts.Mode,
            User = substitute ? wanted!.User : facts.User,
            Group = substitute ? wanted!.Group : facts.Group,
            ModifiedSeconds = facts.ModifiedSeconds,
            ModifiedNanoseconds = facts.ModifiedNanoseconds,
            Size = facts.Type == EntryType.File ? facts.Size : 0,
            LinkTarget = facts.Type == EntryType.SymbolicLink ? directory.ReadLink(name) : "",
            Attributes = facts.Type == EntryType.SymbolicLink ? [] : substitute ? wanted!.Attributes : FileMetadata.ReadAttributes(directory.Handle.ProcPath(name)),
            Blocks = blocks,
            Identity = facts.Identity,
            Substituted = substitute,
            ActualUser = facts.User,
            ActualGroup = facts.Group,
        };

        // A symbolic link's mode is whatever the kernel says: it means nothing and cannot be set.
        return entry with { Digest = TreeHash.Entry(keys, entry) };
    }

    /// <summary>Finds the names that are further links to an inode seen before.</summary>
    public static Dictionary<EntryKey, EntryKey> HardLinks(SortedDictionary<EntryKey, FileFacts> found)
    {
        var first = new Dictionary<(ulong, ulong, int), EntryKey>();
        var links = new Dictionary<EntryKey, EntryKey>();
        foreach (var (key, facts) in found)
        {
            if (facts.Type is not (EntryType.Directory or EntryType.Socket or EntryType.Device) && facts.Links > 1 && !first.TryAdd((facts.Identity.Device, facts.Identity.Inode, key.Volume), key))
                links[key] = first[(facts.Identity.Device, facts.Identity.Inode, key.Volume)];
        }

        return links;
    }
}
