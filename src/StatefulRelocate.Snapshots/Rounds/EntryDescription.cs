using System.Collections.Immutable;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>Describes a name of the source as it was found.</summary>
internal static class EntryDescription
{
    public static TreeEntry Of(EntryKey key, FileFacts facts, ImmutableArray<ExtendedAttribute> attributes, long seenAt) => new()
    {
        Volume = key.Volume,
        Path = key.Path,
        Type = facts.Type,
        Mode = facts.Mode,
        User = facts.User,
        Group = facts.Group,
        ModifiedSeconds = facts.ModifiedSeconds,
        ModifiedNanoseconds = facts.ModifiedNanoseconds,
        Size = facts.Type == EntryType.File ? facts.Size : 0,
        Attributes = attributes,
        Identity = facts.Identity,
        Racy = Math.Max(facts.Identity.Modified, facts.Identity.Changed) >= seenAt - KernelClock.RacyWindow,
    };
}
