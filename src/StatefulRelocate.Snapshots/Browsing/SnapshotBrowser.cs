using System.Text;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;

namespace StatefulRelocate.Snapshots.Browsing;

/// <summary>One name in a snapshot.</summary>
/// <param name="Volume">The volume.</param>
/// <param name="Path">The path in it, <c>/</c>-separated; empty for the volume's own directory. Control characters are shown as <c>\xNN</c>.</param>
/// <param name="Type"><c>file</c>, <c>directory</c>, <c>symlink</c>, <c>hardlink</c> or <c>fifo</c>.</param>
/// <param name="Mode">The permission bits, as in <c>0644</c>.</param>
/// <param name="User">The owner's number.</param>
/// <param name="Group">The group's number.</param>
/// <param name="Size">Bytes; 0 for all but files and hard links.</param>
/// <param name="Modified">The time of the last change of its content.</param>
/// <param name="Target">Of a symbolic link its text, of a hard link the path of the group's first name, whose metadata it has; else null.</param>
public sealed record SnapshotName(string Volume, string Path, string Type, string Mode, uint User, uint Group, long Size, DateTimeOffset Modified, string? Target);

/// <summary>Looks into snapshots without restoring them.</summary>
public sealed class SnapshotBrowser
{
    private readonly Repository _repository;

    /// <summary>Makes one.</summary>
    public SnapshotBrowser(Repository repository) => _repository = repository;

    /// <summary>The names of a snapshot in path order: all of them, or one path with what lies below it.</summary>
    /// <param name="manifest">The snapshot.</param>
    /// <param name="path">As <c>[VOLUME:]PATH</c>; the volume is needed only where there are several. Null or empty: everything.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RelocateException">There is no such path, or the snapshot is damaged.</exception>
    public async Task<IReadOnlyList<SnapshotName>> ListAsync(SnapshotManifest manifest, string? path, CancellationToken cancellationToken)
    {
        var tree = await LayerReader.ReadAllAsync(_repository, manifest, cancellationToken).ConfigureAwait(false);
        if (string.IsNullOrEmpty(path))
            return [.. tree.Values.Select(e => Name(manifest, tree, e))];
        var top = Find(manifest, tree, path);
        return [.. tree.Values.Where(e => e.Volume == top.Volume && (e.Path == top.Path || top.Path.Length == 0 || e.Path.StartsWith(top.Path + "/", StringComparison.Ordinal))).Select(e => Name(manifest, tree, e))];
    }

    /// <summary>Writes the content of one file; every block is authenticated.</summary>
    /// <param name="manifest">The snapshot.</param>
    /// <param name="path">As <c>[VOLUME:]PATH</c>.</param>
    /// <param name="destination">Gets the bytes in order.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RelocateException">There is no such file, or the snapshot is damaged.</exception>
    public async Task DumpAsync(SnapshotManifest manifest, string path, Stream destination, CancellationToken cancellationToken)
    {
        var tree = await LayerReader.ReadAllAsync(_repository, manifest, cancellationToken).ConfigureAwait(false);
        var entry = Find(manifest, tree, path);
        if (entry.Type == EntryType.HardLink)
            entry = tree[new EntryKey(entry.Volume, entry.LinkTarget)];
        if (entry.Type != EntryType.File)
            throw new RelocateException($"snapshot '{manifest.Id}': '{path}' is no file but a {TypeName(entry.Type)}{(entry.Type == EntryType.SymbolicLink ? $" to '{PathText.Show(entry.LinkTarget)}'" : "")}");
        await _repository.Index.RefreshAsync(cancellationToken).ConfigureAwait(false);
        await new FileDump(_repository, entry, $"snapshots/{manifest.Id}").WriteAsync(destination, cancellationToken).ConfigureAwait(false);
    }

    private static TreeEntry Find(SnapshotManifest manifest, SortedDictionary<EntryKey, TreeEntry> tree, string path)
    {
        var (volumes, rest) = (Enumerable.Range(0, manifest.Volumes.Length).ToArray(), path);
        if (path.IndexOf(':', StringComparison.Ordinal) is var colon and > 0 && manifest.Volumes.IndexOf(path[..colon]) is var volume and >= 0)
            (volumes, rest) = ([volume], path[(colon + 1)..]);
        rest = rest.Trim('/');
        if (rest is "." or "./")
            rest = "";
        if (rest.StartsWith("./", StringComparison.Ordinal))
            rest = rest[2..];
        var stored = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(rest));
        var found = volumes.Where(v => tree.ContainsKey(new EntryKey(v, stored))).ToArray();
        return found switch
        {
            [var one] => tree[new EntryKey(one, stored)],
            [] => throw new RelocateException($"snapshot '{manifest.Id}' has no '{path}'; see 'relocate snapshot ls'"),
            _ => throw new RelocateException($"snapshot '{manifest.Id}' has '{path}' in the volumes {string.Join(", ", found.Select(v => manifest.Volumes[v]))}; write VOLUME:PATH"),
        };
    }

    /// <summary>A hard link is shown with what its first name has.</summary>
    private static SnapshotName Name(SnapshotManifest manifest, SortedDictionary<EntryKey, TreeEntry> tree, TreeEntry entry)
    {
        var file = entry.Type == EntryType.HardLink ? tree[new EntryKey(entry.Volume, entry.LinkTarget)] : entry;
        return new(
            manifest.Volumes[entry.Volume], PathText.Show(entry.Path), TypeName(entry.Type), "0" + Convert.ToString(file.Mode, 8).PadLeft(3, '0'), file.User, file.Group, file.Size,
            Time(file), entry.LinkTarget.Length > 0 ? PathText.Show(entry.LinkTarget) : null);
    }

    /// <summary>Times that a calendar of this program cannot hold are shown as its first or last instant.</summary>
    private static DateTimeOffset Time(TreeEntry entry) => entry.ModifiedSeconds switch
    {
        < -62_135_596_800 => DateTimeOffset.MinValue,
        > 253_402_300_799 => DateTimeOffset.MaxValue,
        var seconds => DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(entry.ModifiedNanoseconds / 100),
    };

    private static string TypeName(EntryType type) => type switch
    {
        EntryType.File => "file",
        EntryType.Directory => "directory",
        EntryType.SymbolicLink => "symlink",
        EntryType.HardLink => "hardlink",
        _ => "fifo",
    };
}
