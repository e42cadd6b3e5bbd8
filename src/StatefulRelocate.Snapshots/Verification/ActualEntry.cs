using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>Describes a name of the target as it is, in the terms of a snapshot.</summary>
internal static class ActualEntry
{
    /// <param name="directory">Where the name lies.</param>
    /// <param name="name">The name there; <c>.</c> for a volume's own directory.</param>
    /// <param name="key">The name in the volume.</param>
    /// <param name="facts">Its facts, taken before its content was read.</param>
    /// <param name="known">What the journal says of it, for what the restore could not set; or null.</param>
    /// <returns>The entry, without blocks and without digest.</returns>
    public static TreeEntry Describe(OpenDirectory directory, string name, EntryKey key, FileFacts facts, TreeEntry? known)
    {
        // Owner and attributes that could not be set count as set while the file has the owner that it got instead.
        var substitute = known is { Substituted: true } && known.Type == facts.Type && known.ActualUser == facts.User && known.ActualGroup == facts.Group;
        return new TreeEntry
        {
            Volume = key.Volume,
            Path = key.Path,
            Type = facts.Type,

            // A symbolic link's mode is whatever the kernel says: it means nothing and cannot be set.
            Mode = facts.Mode,
            User = substitute ? known!.User : facts.User,
            Group = substitute ? known!.Group : facts.Group,
            ModifiedSeconds = facts.ModifiedSeconds,
            ModifiedNanoseconds = facts.ModifiedNanoseconds,
            Size = facts.Type == EntryType.File ? facts.Size : 0,
            LinkTarget = facts.Type == EntryType.SymbolicLink ? directory.ReadLink(name) : "",
            Attributes = facts.Type == EntryType.SymbolicLink ? [] : substitute ? known!.Attributes : FileMetadata.ReadAttributes(directory.Handle.ProcPath(name)),
            Identity = facts.Identity,
        };
    }

    public static TreeEntry WithDigest(KeyRing keys, TreeEntry entry, BlockMap? blocks = null)
    {
        var whole = blocks is null ? entry : entry with { Blocks = blocks };
        return whole with { Digest = TreeHash.Entry(keys, whole) };
    }
}
