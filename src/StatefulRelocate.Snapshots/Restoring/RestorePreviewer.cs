using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>Finds out what a restore would do, by the rules of <see cref="TargetMerge"/>, and does nothing.</summary>
internal sealed class RestorePreviewer : IDisposable
{
    private readonly Repository _repository;
    private readonly SnapshotManifest _manifest;
    private readonly List<OpenDirectory?> _roots = [];
    private readonly List<SnapshotDifference> _differences = [];
    private readonly Dictionary<EntryKey, StatIdentity> _kept = [];
    private readonly Dictionary<EntryKey, MergedEntry> _firstNames = [];
    private readonly HashSet<(ulong, ulong)> _claimed = [];
    private HashSet<(ulong, ulong)> _linked = [], _linkedElsewhere = [];
    private IReadOnlySet<EntryKey> _groups = new HashSet<EntryKey>();
    private long _unchanged;

    public RestorePreviewer(Repository repository, SnapshotManifest manifest, IEnumerable<string> paths)
    {
        (_repository, _manifest) = (repository, manifest);
        try
        {
            foreach (var path in paths)
                _roots.Add(Directory.Exists(path) ? OpenDirectory.Open(path) : null);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <param name="rows">What the target's journal says, where it can be believed; or nothing.</param>
    /// <param name="memory">Bytes that the sealed tree may take and still be kept.</param>
    /// <param name="clock">Measures it.</param>
    /// <param name="progress">Is told how far it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public RestorePreview Run(IEnumerable<TargetRow> rows, long memory, PartClock clock, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        var tree = new WantedTree(_repository, _manifest, [], 0, memory);
        tree.Check(cancellationToken);
        _groups = tree.Groups;
        var reader = new TargetReader(_repository, _roots, "comparing", FindLinks(cancellationToken), progress);
        using (var wanted = tree.Entries(cancellationToken).GetEnumerator())
        {
            var has = wanted.MoveNext();
            reader.Read(rows, found =>
            {
                for (; has && wanted.Current.Entry.Key.CompareTo(found.Entry.Key) < 0; has = wanted.MoveNext())
                    Note("+", wanted.Current.Entry, Stored(wanted.Current.Entry));
                var same = has && wanted.Current.Entry.Key == found.Entry.Key;
                Meet(same ? wanted.Current.Entry : null, found);
                if (same)
                    has = wanted.MoveNext();
            }, cancellationToken);
            for (; has; has = wanted.MoveNext())
                Note("+", wanted.Current.Entry, Stored(wanted.Current.Entry));
        }

        var (made, changed) = (Sum("+"), Sum("M"));
        return new RestorePreview(_manifest.Id, made, changed, Sum("U"), Sum("-"), _unchanged, [.. _differences], new RoundFigures
        {
            BytesScanned = reader.BytesRead,
            BytesChanged = made.Bytes + changed.Bytes,
            BytesShipped = made.Bytes + changed.Bytes,
            Entries = made.Names + changed.Names + Sum("U").Names + _unchanged,
            Duration = clock.Total,
        });
    }

    public void Dispose() => _roots.ForEach(root => root?.Dispose());

    /// <summary>Finds the files with several names, and those that have one outside: a restore does not write to them. The bytes of all files.</summary>
    private long FindLinks(CancellationToken cancellationToken)
    {
        var counts = new Dictionary<(ulong, ulong), (uint Here, uint All)>();
        long bytes = 0;
        foreach (var facts in TargetWalk.Names(_roots, cancellationToken).Select(name => name.Facts))
        {
            var inode = (facts.Identity.Device, facts.Identity.Inode);
            var before = counts.GetValueOrDefault(inode).Here;
            if (facts.Links > 1 && facts.Type != EntryType.Directory)
                counts[inode] = (before + 1, facts.Links);
            if (facts.Type == EntryType.File && before == 0)
                bytes += facts.Size;
        }

        _linked = [.. counts.Keys];
        _linkedElsewhere = [.. counts.Where(count => count.Value.Here < count.Value.All).Select(count => count.Key)];
        return bytes;
    }

    private void Meet(TreeEntry? wanted, MergedEntry name)
    {
        var found = name;
        if (name.Entry.Type == EntryType.HardLink)
            found = _firstNames[new EntryKey(name.Entry.Volume, name.Entry.LinkTarget)];
        else if (_linked.Contains(Inode(name.Entry)))
            _firstNames[name.Entry.Key] = name;
        if (wanted is null)
            Note("-", name.Entry, _linkedElsewhere.Contains(Inode(found.Entry)) ? 0 : name.Entry.Size);
        else if (wanted.Type == EntryType.HardLink)
            MeetLink(wanted, found.Entry);
        else if (!IsKept(wanted, found))
            Note("M", wanted, Stored(wanted));
        else
            MeetSame(wanted, name.Entry, found);
    }

    private void MeetLink(TreeEntry wanted, TreeEntry found)
    {
        if (_kept.TryGetValue(new EntryKey(wanted.Volume, wanted.LinkTarget), out var first) && first.Inode == found.Identity.Inode && first.Device == found.Identity.Device)
            _unchanged++;
        else
            Note("M", wanted, 0);
    }

    private bool IsKept(TreeEntry wanted, MergedEntry found) => wanted.Type == found.Entry.Type && wanted.Type switch
    {
        EntryType.Directory => true,
        EntryType.File => !_linked.Contains(Inode(found.Entry)) || ((found.Row is not null || !_linkedElsewhere.Contains(Inode(found.Entry))) && _claimed.Add(Inode(found.Entry))),
        _ => (found.Row is not null || !_linked.Contains(Inode(found.Entry))) && wanted.LinkTarget == found.Entry.LinkTarget,
    };

    private void MeetSame(TreeEntry wanted, TreeEntry name, MergedEntry found)
    {
        if (_groups.Contains(wanted.Key))
            _kept[wanted.Key] = found.Entry.Identity;
        if (wanted.Digest.AsSpan().SequenceEqual(name.Digest))
        {
            _unchanged++;
            return;
        }

        var bytes = wanted.Blocks.ChangedSince(found.Whole().Blocks).Where(block => wanted.Blocks[block] != default).Sum(block => (long)Blocks.Length(wanted.Size, block));
        Note(bytes > 0 || wanted.Size != found.Entry.Size ? "M" : "U", wanted, bytes);
    }

    /// <summary>What is written of a file that is made: its holes are not.</summary>
    private static long Stored(TreeEntry entry)
        => entry.Blocks.Stored().Sum(chunk => chunk.Chunk.Ids.Index().Where(id => id.Item != default).Sum(id => (long)Blocks.Length(entry.Size, chunk.Number * BlockMap.ChunkBlocks + id.Index)));

    private static (ulong, ulong) Inode(TreeEntry entry) => (entry.Identity.Device, entry.Identity.Inode);

    private void Note(string kind, TreeEntry entry, long bytes) => _differences.Add(new SnapshotDifference(kind, _manifest.Volumes[entry.Volume], PathText.Show(entry.Path), bytes));

    private ChangedNames Sum(string kind)
    {
        var some = _differences.Where(difference => difference.Kind == kind).ToList();
        return new ChangedNames(some.Count, some.Sum(difference => difference.BytesChanged));
    }
}
