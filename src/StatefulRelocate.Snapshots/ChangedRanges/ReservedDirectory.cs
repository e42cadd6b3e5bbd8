using System.Security.Cryptography;
using System.Text;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>
/// The directory in a volume's root that holds what must lie on the volume's own file system: reflinks of changed files, and a btrfs snapshot while it is read.
/// No snapshot contains it and no restore touches what it holds. 0700, and used only where it belongs to this user.
/// </summary>
public static class ReservedDirectory
{
    /// <summary>Its name.</summary>
    public const string Name = ".relocate-reflinks";

    /// <summary>Removes it from a volume with all it holds; the next round then reads every file that changed. Nothing to remove is no error.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="RelocateException">It cannot be removed, or is not this program's.</exception>
    public static bool Remove(string volume)
    {
        try
        {
            using var root = OpenDirectory.Open(volume);
            if (root.FactsAt(Name) is null)
                return false;
            return Remove(root) ? true : throw new RelocateException($"{volume}/{Name}: not made by this user for this purpose, so it is not removed; look at it and remove it yourself");
        }
        catch (SystemCallException error)
        {
            throw new RelocateException($"{volume}: cannot remove {Name}: {error.Message}", inner: error);
        }
    }

    /// <summary>Removes it, where it is ours, from a volume that is about to be restored over.</summary>
    internal static void RemoveStale(OpenDirectory root)
    {
        if (root.FactsAt(Name) is not null)
            _ = Remove(root);
    }

    /// <summary>Whether a name in a volume's root is left out of snapshots, restores and comparisons.</summary>
    internal static bool IsReserved(string path) => path.Length >= Name.Length && path.StartsWith(Name, StringComparison.Ordinal) && (path.Length == Name.Length || path[Name.Length] == '/');

    /// <summary>The directory below it of one user of the volume, made when missing; the volume's own time stays. Null when something else bears the name.</summary>
    internal static OpenDirectory? OpenFor(OpenDirectory root, string owner)
    {
        using var directory = OpenOrMake(root);
        if (directory is null)
            return null;
        var name = OwnerName(owner);
        if (directory.FactsAt(name) is null)
            directory.MakeDirectory(name);
        return directory.OpenDirectoryAt(name);
    }

    /// <summary>It, made when missing. Null when something else bears the name.</summary>
    internal static OpenDirectory? OpenOrMake(OpenDirectory root)
    {
        if (root.FactsAt(Name) is null)
            KeepTime(root, () => root.MakeDirectory(Name));
        return OpenOwn(root);
    }

    /// <summary>A name for what one user of the volume keeps in it.</summary>
    internal static string OwnerName(string owner) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(owner)).AsSpan(0, 8));

    /// <summary>Removes it, and what is empty in it, when nothing is kept in it any more.</summary>
    internal static void RemoveIfEmpty(OpenDirectory root)
    {
        using (var directory = OpenOwn(root))
        {
            if (directory is null)
                return;
            foreach (var name in directory.Names())
            {
                if (!directory.TryRemoveDirectory(name))
                    return;
            }
        }

        KeepTime(root, () => _ = root.TryRemoveDirectory(Name));
    }

    /// <summary>It, if it is there and ours.</summary>
    internal static OpenDirectory? OpenOwn(OpenDirectory root)
    {
        const uint othersMay = 0x3F;
        if (root.FactsAt(Name) is not { Type: EntryType.Directory })
            return null;
        var directory = root.OpenDirectoryAt(Name);
        var facts = directory.Handle.Facts();
        if (facts.User == Posix.EffectiveUser() && (facts.Mode & othersMay) == 0)
            return directory;
        directory.Dispose();
        return null;
    }

    internal static void KeepTime(OpenDirectory root, Action change)
    {
        var before = root.Handle.Facts();
        change();
        _ = FileMetadata.SetModified(root, ".", before.ModifiedSeconds, before.ModifiedNanoseconds);
    }

    private static bool Remove(OpenDirectory root)
    {
        using (var directory = OpenOwn(root))
        {
            if (directory is null)
                return false;
            foreach (var name in directory.Names())
            {
                if (directory.FactsAt(name) is { Type: EntryType.Directory } facts)
                    RemoveDirectory(directory, name, facts);
                else
                    directory.Remove(name, EntryType.File);
            }
        }

        KeepTime(root, () => root.Remove(Name, EntryType.Directory));
        return true;
    }

    private static void RemoveDirectory(OpenDirectory parent, string name, FileFacts facts)
    {
        if (facts.Identity.Inode == BtrfsSubvolume.RootInode && Ioctl.IsBtrfs(parent.Handle))
        {
            if (BtrfsSubvolume.Destroy(parent, name) is var error and not 0)
                throw new SystemCallException("remove the btrfs snapshot", parent.Show(name), error);
            return;
        }

        using (var directory = parent.OpenDirectoryAt(name))
        {
            foreach (var file in directory.Names())
                directory.Remove(file, EntryType.File);
        }

        parent.Remove(name, EntryType.Directory);
    }
}
