using System.Text;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Consistency;

/// <summary>
/// A read-only btrfs snapshot of the subvolume that holds a volume, for as long as it is read. A durable note is written before it is made, so that the
/// next run removes what a killed one left.
/// </summary>
internal sealed class BtrfsSource : IDisposable
{
    private readonly OpenDirectory _volume;
    private readonly string _name;
    private readonly string _note;
    private readonly Action<string> _warn;

    private BtrfsSource(OpenDirectory volume, string name, string note, OpenDirectory root, Action<string> warn)
        => (_volume, _name, _note, Root, _warn) = (volume, name, note, root, warn);

    /// <summary>The volume's directory in the snapshot; its files bear the live tree's device number, so that they compare as the same.</summary>
    public OpenDirectory Root { get; }

    /// <summary>Removes what a run that was killed left for this volume.</summary>
    public static void RemoveLeftover(string journal, string volume, Action<string> warn)
    {
        var note = NotePath(journal, volume);
        if (!File.Exists(note))
            return;
        var path = File.ReadAllText(note, Encoding.UTF8);
        try
        {
            using var root = OpenDirectory.Open(path);
            Destroy(root, SnapshotName(journal, volume));
        }
        catch (SystemCallException error) when (error.IsGone)
        {
            // The volume itself is gone, and the snapshot with it.
        }
        catch (SystemCallException error)
        {
            warn($"{error.Message}: it was left by a run that was killed; remove it with 'btrfs subvolume delete'");
            return;
        }

        File.Delete(note);
    }

    /// <summary>A snapshot of the subvolume that holds <paramref name="live"/>; null where that cannot be, or would not show all of the volume.</summary>
    public static BtrfsSource? TryTake(OpenDirectory live, string path, string journal, string volume, Action<string> warn)
    {
        if (!Ioctl.IsBtrfs(live.Handle) || Posix.EffectiveUser() != 0 || Subvolume.Holding(path) is not { } subvolume)
            return null;
        using var holding = OpenDirectory.Open(subvolume.Root);
        if (Mounts.AnyBelow(path) || BtrfsSubvolume.ParentsOfNested(holding) is not { } nested || nested.Any(n => subvolume.Contains(n)))
            return null;
        var (name, note) = (SnapshotName(journal, volume), NotePath(journal, volume));
        DurableNote.Write(note, Encoding.UTF8.GetBytes(path));
        var error = 0;
        using (var into = ReservedDirectory.OpenOrMake(live))
            error = into is null ? Posix.Exists : BtrfsSubvolume.Snapshot(holding, into, name);
        if (error != 0)
        {
            Release(live, name, note);
            return null;
        }

        try
        {
            return new BtrfsSource(live, name, note, subvolume.OpenIn($"{path}/{ReservedDirectory.Name}/{name}", live), warn);
        }
        catch
        {
            Release(live, name, note);
            throw;
        }
    }

    public void Dispose()
    {
        Root.Dispose();
        try
        {
            Release(_volume, _name, _note);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or RelocateException)
        {
            _warn($"{error.Message}: the btrfs snapshot that was read from is still there; the next run removes it");
        }
    }

    private static void Release(OpenDirectory live, string name, string note)
    {
        Destroy(live, name);
        File.Delete(note);
    }

    private static void Destroy(OpenDirectory live, string name)
    {
        using (var directory = ReservedDirectory.OpenOwn(live))
        {
            if (directory is null)
                return;
            if (directory.FactsAt(name) is { Type: EntryType.Directory, Identity.Inode: BtrfsSubvolume.RootInode })
            {
                var error = BtrfsSubvolume.Destroy(directory, name);
                if (error is not (0 or Posix.NotFound))
                    throw new SystemCallException("remove the btrfs snapshot", directory.Show(name), error);
            }
        }

        ReservedDirectory.RemoveIfEmpty(live);
    }

    private static string SnapshotName(string journal, string volume) => "snapshot-" + ReservedDirectory.OwnerName($"{Path.GetFullPath(journal)}\0{volume}");

    private static string NotePath(string journal, string volume) => Path.Combine(journal, $"source-snapshot-{volume}");
}
