using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>Makes, finds and removes the reflinks of one volume for one journal.</summary>
internal sealed class CloneDirectory : IDisposable
{
    private readonly OpenDirectory _directory;

    private CloneDirectory(OpenDirectory directory) => _directory = directory;

    /// <summary>The directory, where the volume's file system shares extents and something else does not bear the name; else null.</summary>
    /// <param name="root">The volume.</param>
    /// <param name="owner">Whose reflinks.</param>
    /// <param name="known">Whether reflinks were made here before; else it is tried.</param>
    public static CloneDirectory? Open(OpenDirectory root, string owner, bool known)
    {
        if (!Ioctl.SharesExtents(root.Handle))
            return null;
        OpenDirectory? directory = null;
        try
        {
            directory = ReservedDirectory.OpenFor(root, owner);
            if (directory is null)
                return null;
            var clones = new CloneDirectory(directory);
            if (known || clones.CanClone())
                return clones;
        }
        catch (SystemCallException)
        {
            // Read-only, or not this user's: there is no driver then.
        }

        directory?.Dispose();
        return null;
    }

    /// <summary>A reflink of the file as it is at one instant, open for reading; null when the file system refuses.</summary>
    public OpenFile? Clone(OpenFile file, string name)
    {
        const uint ownerReads = 0x100;
        if (Ioctl.IsRealTime(file))
            return null;
        var clone = _directory.OpenAt(name, Posix.ReadWrite | Posix.Create | Posix.Exclusive, ownerReads);
        Ioctl.CopyCloneFlags(file, clone);
        if (Ioctl.Clone(file, clone) == 0)
            return clone;
        clone.Dispose();
        _directory.Remove(name, EntryType.File);
        return null;
    }

    /// <summary>A kept reflink, if it is there and nobody touched it.</summary>
    public OpenFile? Find(KeptClone kept)
    {
        try
        {
            var clone = _directory.OpenAt(kept.Name, Posix.ReadOnly | Posix.NonBlocking);
            if (clone.Facts() is { Type: EntryType.File } facts && facts.Identity == kept.Identity)
                return clone;
            clone.Dispose();
        }
        catch (SystemCallException)
        {
            // Missing or unreadable: unknown.
        }

        return null;
    }

    public void RemoveAllBut(IReadOnlySet<string> names)
    {
        foreach (var name in _directory.Names())
        {
            if (!names.Contains(name))
                _directory.Remove(name, EntryType.File);
        }
    }

    /// <summary>Removes the directories that were made for the reflinks, where nothing else is kept in them.</summary>
    public void RemoveIfEmpty()
    {
        using var volume = _directory.OpenDirectoryAt("../..");
        ReservedDirectory.RemoveIfEmpty(volume);
    }

    public void Dispose() => _directory.Dispose();

    private bool CanClone()
    {
        const string from = "probe-from", to = "probe-to";
        try
        {
            _directory.Remove(from, EntryType.File);
            _directory.Remove(to, EntryType.File);
            using var file = _directory.OpenAt(from, Posix.ReadWrite | Posix.Create | Posix.Exclusive, 0x180);
            file.Write(new byte[4096], 0);
            using var clone = Clone(file, to);
            return clone is not null;
        }
        finally
        {
            _directory.Remove(from, EntryType.File);
            _directory.Remove(to, EntryType.File);
        }
    }
}
