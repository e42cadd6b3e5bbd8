using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Consistency;

/// <summary>The btrfs subvolume that holds a directory.</summary>
/// <param name="Root">Its root, absolute.</param>
/// <param name="Inside">The directory's path below it; empty for the root itself.</param>
internal sealed record Subvolume(string Root, string Inside)
{
    /// <summary>Found by walking up, or null: a mount of a part of a subvolume hides its root.</summary>
    public static Subvolume? Holding(string path)
    {
        var device = Facts(path).Device;
        for (var at = path; at is not null; at = Path.GetDirectoryName(at))
        {
            var identity = Facts(at);
            if (identity.Device != device)
                return null;
            if (identity.Inode == BtrfsSubvolume.RootInode)
                return new Subvolume(at, Path.GetRelativePath(at, path) is var inside and not "." ? inside : "");
        }

        return null;
    }

    /// <summary>Whether a directory of the subvolume, named by its Latin-1 path below the root, is in the volume.</summary>
    public bool Contains(string directory)
    {
        var inside = System.Text.Encoding.Latin1.GetString(System.Text.Encoding.UTF8.GetBytes(Inside));
        return inside.Length == 0 || directory == inside || directory.StartsWith(inside + "/", StringComparison.Ordinal);
    }

    /// <summary>The same directory in a snapshot, made to look as if it lay on the live tree's device.</summary>
    public OpenDirectory OpenIn(string snapshot, OpenDirectory live)
    {
        var origin = live.Handle.Facts().Identity.Device;
        var path = Inside.Length == 0 ? snapshot : $"{snapshot}/{Inside}";
        ulong device;
        using (var plain = OpenDirectory.Open(path))
            device = plain.Handle.Facts().Identity.Device;
        return OpenDirectory.Open(path, new DeviceAlias(device, origin), live.Handle.Shown);
    }

    private static StatIdentity Facts(string path)
    {
        using var directory = OpenDirectory.Open(path);
        return directory.Handle.Facts().Identity;
    }
}
