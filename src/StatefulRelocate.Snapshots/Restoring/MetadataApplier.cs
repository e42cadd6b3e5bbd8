using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>Gives names the owner, attributes, mode and time that the snapshot says; sets only what differs. Used by many threads.</summary>
internal sealed class MetadataApplier
{
    private int _owners, _attributes;

    /// <summary>A file whose content is written; whatever stands under its name, only what is open is changed.</summary>
    /// <param name="file">The file.</param>
    /// <param name="entry">What it is to be.</param>
    /// <param name="made">Whether it was just made, so that it surely has another time.</param>
    /// <param name="bare">Whether it surely has no attributes yet.</param>
    /// <returns>Its facts after that, and whether owner or attributes could not be set.</returns>
    public (FileFacts Facts, bool Substituted) Apply(OpenFile file, TreeEntry entry, bool made, bool bare)
    {
        if (made)
            SetTime(file, entry);
        var facts = file.Facts();
        if (bare && entry.Attributes.IsEmpty && IsAsWanted(facts, entry))
            return (facts, false);
        var substituted = !SetOwner(file, entry, facts);
        substituted |= !SetAttributes(file, entry, bare);
        SetModeAndTime(file, entry, facts);
        return (file.Facts(), substituted);
    }

    /// <summary>What a directory can be given before something is made in it; whether owner or attributes cannot be set.</summary>
    public bool Begin(OpenFile directory, TreeEntry entry)
    {
        var substituted = !SetOwner(directory, entry, directory.Facts());
        if (entry.Attributes.IsEmpty || HandleMetadata.Probe(directory, entry.Attributes[0].Name) != Posix.Unsupported)
            return substituted;
        Interlocked.Increment(ref _attributes);
        return true;
    }

    /// <summary>What a directory is given when nothing more is made in it.</summary>
    public void Finish(TargetDirectory directory)
    {
        var (file, entry) = (directory.Handle.Handle, directory.Entry);
        if (entry.Attributes.IsEmpty || HandleMetadata.Probe(file, entry.Attributes[0].Name) != Posix.Unsupported)
            SetAttributes(file, entry, bare: false);
        SetModeAndTime(file, entry, file.Facts());
    }

    /// <summary>A symbolic link or a FIFO; see <see cref="Apply(OpenFile, TreeEntry, bool, bool)"/>.</summary>
    public (FileFacts Facts, bool Substituted) Apply(OpenDirectory directory, string name, TreeEntry entry)
    {
        var shown = directory.Show(name);
        var facts = directory.FactsAt(name) ?? throw new SystemCallException("stat", shown, Posix.NotFound);
        var substituted = false;
        if (facts.User != entry.User || facts.Group != entry.Group)
            substituted = !Owned(FileMetadata.SetOwner(directory, name, entry.User, entry.Group), shown);
        if (entry.Type == EntryType.Fifo)
        {
            using var handle = directory.OpenAt(name, Posix.PathOnly);
            if (handle.Facts().Type == EntryType.Fifo && facts.Mode != entry.Mode)
                Require(FileMetadata.SetMode(handle.ProcPath(), entry.Mode), "set the mode", shown);
            var path = directory.Handle.ProcPath(name);
            foreach (var wanted in entry.Attributes.Except(FileMetadata.ReadAttributes(path)))
                substituted |= !Set(FileMetadata.SetAttribute(path, wanted), wanted, shown);
        }

        if (!HasTime(facts, entry))
            Require(FileMetadata.SetModified(directory, name, entry.ModifiedSeconds, entry.ModifiedNanoseconds), "set the time", shown);
        return (directory.FactsAt(name) ?? throw new SystemCallException("stat", shown, Posix.NotFound), substituted);
    }

    public IEnumerable<string> Warnings()
    {
        if (_owners > 0)
            yield return $"{_owners} owners could not be set: only root may give files away; they belong to the user of this process";
        if (_attributes > 0)
            yield return $"the extended attributes of {_attributes} entries could not be set: the file system of the target has none, or only root may set them";
    }

    private static void SetModeAndTime(OpenFile file, TreeEntry entry, FileFacts facts)
    {
        // Last: a new owner clears the set-uid bits, and an access list sets the group's.
        if (facts.Mode != entry.Mode || !entry.Attributes.IsEmpty || (entry.Mode & 0xC00) != 0)
            Require(HandleMetadata.SetMode(file, entry.Mode), "set the mode", file.Shown);
        if (!HasTime(facts, entry))
            SetTime(file, entry);
    }

    private static void SetTime(OpenFile file, TreeEntry entry)
        => Require(HandleMetadata.SetModified(file, entry.ModifiedSeconds, entry.ModifiedNanoseconds), "set the time", file.Shown);

    private static bool HasTime(FileFacts facts, TreeEntry entry) => facts.ModifiedSeconds == entry.ModifiedSeconds && facts.ModifiedNanoseconds == entry.ModifiedNanoseconds;

    private static bool IsAsWanted(FileFacts facts, TreeEntry entry)
        => facts.User == entry.User && facts.Group == entry.Group && facts.Mode == entry.Mode && HasTime(facts, entry);

    private bool SetOwner(OpenFile file, TreeEntry entry, FileFacts facts)
        => (facts.User == entry.User && facts.Group == entry.Group) || Owned(HandleMetadata.SetOwner(file, entry.User, entry.Group), file.Shown);

    private bool SetAttributes(OpenFile file, TreeEntry entry, bool bare)
    {
        if (bare && entry.Attributes.IsEmpty)
            return true;
        var actual = bare ? [] : HandleMetadata.ReadAttributes(file);
        foreach (var extra in actual.Where(a => entry.Attributes.All(e => e.Name != a.Name)))
            Require(HandleMetadata.RemoveAttribute(file, extra.Name), "remove an attribute", file.Shown);
        var all = true;
        foreach (var wanted in entry.Attributes)
        {
            if (actual.FirstOrDefault(a => a.Name == wanted.Name) is { } same && same.Value.AsSpan().SequenceEqual(wanted.Value))
                continue;
            all &= Set(HandleMetadata.SetAttribute(file, wanted), wanted, file.Shown);
        }

        if (!all)
            Interlocked.Increment(ref _attributes);
        return all;
    }

    private bool Owned(int error, string shown)
    {
        if (error is Posix.NotPermitted or Posix.Invalid)
        {
            Interlocked.Increment(ref _owners);
            return false;
        }

        Require(error, "set the owner", shown);
        return true;
    }

    private static bool Set(int error, ExtendedAttribute wanted, string shown)
    {
        if (error is Posix.Unsupported or Posix.NotPermitted)
            return false;
        Require(error, $"set the attribute {wanted.Name}", shown);
        return true;
    }

    private static void Require(int error, string action, string path)
    {
        if (error != 0)
            throw new SystemCallException(action, path, error);
    }
}
