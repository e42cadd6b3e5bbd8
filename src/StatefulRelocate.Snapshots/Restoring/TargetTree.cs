using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>The volumes of one side, held open; every path below is walked one name at a time without following links.</summary>
internal sealed class TargetTree : IDisposable
{
    private readonly List<OpenDirectory> _roots = [];
    private readonly List<List<(string Path, OpenDirectory Directory)>> _open = [];

    public TargetTree(IEnumerable<string> paths)
    {
        try
        {
            foreach (var path in paths)
            {
                _roots.Add(OpenDirectory.Open(path));
                _open.Add([]);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyList<OpenDirectory> Roots => _roots;

    /// <summary>Everything that is there, in path order.</summary>
    /// <param name="makeAccessible">Whether a directory that its owner may not enter or change is opened up; its mode is set again at the end.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public SortedDictionary<EntryKey, FileFacts> Walk(bool makeAccessible, CancellationToken cancellationToken)
    {
        var found = new SortedDictionary<EntryKey, FileFacts>();
        for (var volume = 0; volume < _roots.Count; volume++)
        {
            found[new EntryKey(volume, "")] = _roots[volume].Handle.Facts();
            Walk(volume, "", _roots[volume], found, makeAccessible && Posix.EffectiveUser() != 0, cancellationToken);
        }

        return found;
    }

    /// <summary>How many names each inode has that has more than one.</summary>
    public Dictionary<(ulong, ulong), uint> CountNames()
    {
        var names = new Dictionary<(ulong, ulong), uint>();
        foreach (var facts in Walk(makeAccessible: false, CancellationToken.None).Values)
        {
            if (facts.Links > 1 && facts.Type != EntryType.Directory)
                System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(names, (facts.Identity.Device, facts.Identity.Inode), out _)++;
        }

        return names;
    }

    /// <summary>The directory that holds a path, and its name there. Valid until the next call for the same volume.</summary>
    public (OpenDirectory Directory, string Name) Parent(EntryKey key)
        => key.Path.Length == 0 ? (_roots[key.Volume], ".") : (Directory(key.Volume, PathText.Parent(key.Path)), PathText.Name(key.Path));

    /// <summary>A directory by its path. Valid until the next call for the same volume.</summary>
    public OpenDirectory Directory(int volume, string path)
    {
        var open = _open[volume];
        while (open.Count > 0 && open[^1].Path != path && !path.StartsWith(open[^1].Path + "/", StringComparison.Ordinal))
        {
            open[^1].Directory.Dispose();
            open.RemoveAt(open.Count - 1);
        }

        while (true)
        {
            var (at, directory) = open.Count > 0 ? open[^1] : ("", _roots[volume]);
            if (at == path)
                return directory;
            var rest = at.Length == 0 ? path : path[(at.Length + 1)..];
            var name = rest.IndexOf('/', StringComparison.Ordinal) is var slash and >= 0 ? rest[..slash] : rest;
            open.Add((PathText.Join(at, name), directory.OpenDirectoryAt(name)));
        }
    }

    /// <summary>Forgets the open directories of a volume, before one of them is removed.</summary>
    public void CloseDirectories()
    {
        foreach (var open in _open)
        {
            open.ForEach(o => o.Directory.Dispose());
            open.Clear();
        }
    }

    public void SyncFileSystems()
    {
        foreach (var root in _roots.DistinctBy(r => r.Handle.Facts().Identity.Device))
            root.Handle.SyncFileSystem();
    }

    public void Dispose()
    {
        CloseDirectories();
        _roots.ForEach(r => r.Dispose());
    }

    private static void Walk(int volume, string path, OpenDirectory directory, SortedDictionary<EntryKey, FileFacts> found, bool makeAccessible, CancellationToken cancellationToken)
    {
        const uint ownerAll = 0x1C0;
        foreach (var name in directory.Names())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (ReservedDirectory.IsReserved(PathText.Join(path, name)) || directory.FactsAt(name) is not { } facts)
                continue;
            var key = new EntryKey(volume, PathText.Join(path, name));
            found[key] = facts;
            if (facts.Type != EntryType.Directory)
                continue;
            if (makeAccessible && (facts.Mode & ownerAll) != ownerAll)
            {
                using var handle = directory.OpenAt(name, Posix.PathOnly | Posix.DirectoryOnly);
                _ = FileMetadata.SetMode(handle.ProcPath(), facts.Mode | ownerAll);
            }

            using var below = directory.OpenDirectoryAt(name);
            Walk(volume, key.Path, below, found, makeAccessible, cancellationToken);
        }
    }
}
