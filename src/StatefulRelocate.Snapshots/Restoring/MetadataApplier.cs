using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>Gives names the owner, attributes, mode and time that the snapshot says; sets only what differs.</summary>
internal sealed class MetadataApplier
{
    private readonly TargetTree _tree;
    private readonly List<string> _warnings;
    private int _owners, _attributes;

    public MetadataApplier(TargetTree tree, List<string> warnings) => (_tree, _warnings) = (tree, warnings);

    /// <summary>Entries whose owner or attributes could not be set.</summary>
    public HashSet<EntryKey> Substituted { get; } = [];

    public void Apply(TreeEntry entry)
    {
        var (directory, name) = _tree.Parent(entry.Key);
        var facts = directory.FactsAt(name) ?? throw new SystemCallException("stat", directory.Show(name), Posix.NotFound);
        var shown = directory.Show(name);
        var owned = facts.User != entry.User || facts.Group != entry.Group;
        if (owned)
        {
            var error = FileMetadata.SetOwner(directory, name, entry.User, entry.Group);
            if (error is Posix.NotPermitted or 22)
            {
                _owners++;
                Substituted.Add(entry.Key);
            }
            else
            {
                Require(error, "set the owner", shown);
            }
        }

        if (entry.Type != EntryType.SymbolicLink)
        {
            using var handle = directory.OpenAt(name, Posix.PathOnly);
            var path = handle.ProcPath();
            var actual = FileMetadata.ReadAttributes(directory.Handle.ProcPath(name));
            var linkPath = directory.Handle.ProcPath(name);
            foreach (var extra in actual.Where(a => entry.Attributes.All(e => e.Name != a.Name)))
                Require(FileMetadata.RemoveAttribute(linkPath, extra.Name), "remove an attribute", shown);
            foreach (var wanted in entry.Attributes)
            {
                if (actual.FirstOrDefault(a => a.Name == wanted.Name) is { } same && same.Value.AsSpan().SequenceEqual(wanted.Value))
                    continue;
                var error = FileMetadata.SetAttribute(linkPath, wanted);
                if (error is Posix.Unsupported or Posix.NotPermitted)
                {
                    _attributes++;
                    Substituted.Add(entry.Key);
                }
                else
                {
                    Require(error, $"set the attribute {wanted.Name}", shown);
                }
            }

            // Last: a new owner clears the set-uid bits, and an ACL sets the group's.
            if ((directory.FactsAt(name)?.Mode ?? 0) != entry.Mode)
                Require(FileMetadata.SetMode(path, entry.Mode), "set the mode", shown);
        }

        if (facts.ModifiedSeconds != entry.ModifiedSeconds || facts.ModifiedNanoseconds != entry.ModifiedNanoseconds)
            Require(FileMetadata.SetModified(directory, name, entry.ModifiedSeconds, entry.ModifiedNanoseconds), "set the time", shown);
    }

    public void Summarise()
    {
        if (_owners > 0)
            _warnings.Add($"{_owners} owners could not be set: only root may give files away; they belong to the user of this process");
        if (_attributes > 0)
            _warnings.Add($"{_attributes} extended attributes could not be set: the file system of the target has none, or only root may set them");
    }

    private static void Require(int error, string action, string path)
    {
        if (error != 0)
            throw new SystemCallException(action, path, error);
    }
}
