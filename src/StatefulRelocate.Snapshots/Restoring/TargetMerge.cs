using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>
/// Goes through the snapshot's tree and the target side by side, in path order: removes what is not in the snapshot, makes what is missing,
/// hands files whose content may differ to the writer. Every name is reached from the directory that holds it, never through a link; a file
/// is written only where all names of its inode are ours.
/// </summary>
internal sealed class TargetMerge
{
    private readonly TargetTree _tree;
    private readonly MetadataApplier _metadata;
    private readonly ContentWriter _content;
    private readonly RowSequencer _rows;
    private readonly IReadOnlySet<EntryKey> _groups;
    private readonly LinkPlan _links;
    private readonly Func<EntryKey, FileFacts, FollowedFile?> _followed;
    private readonly bool _trusted;
    private readonly bool _open = Posix.EffectiveUser() != 0;
    private readonly HashSet<(ulong, ulong)> _claimed = [];
    private readonly Stack<TargetDirectory> _path = new();
    private Dictionary<(ulong, ulong), uint>? _names;

    /// <param name="tree">The target.</param>
    /// <param name="metadata">Gives owners, modes and times.</param>
    /// <param name="content">Gives files their content.</param>
    /// <param name="rows">Takes the entries for the journal.</param>
    /// <param name="links">Takes the hard links, to be made at the end.</param>
    /// <param name="groups">The files that the snapshot has hard links to.</param>
    /// <param name="trusted">Whether the journal's rows say what the target is at.</param>
    /// <param name="followed">What is known of a file because it was followed while the snapshot was taken.</param>
    public TargetMerge(
        TargetTree tree, MetadataApplier metadata, ContentWriter content, RowSequencer rows, LinkPlan links, IReadOnlySet<EntryKey> groups, bool trusted,
        Func<EntryKey, FileFacts, FollowedFile?> followed)
        => (_tree, _metadata, _content, _rows, _links, _groups, _trusted, _followed) = (tree, metadata, content, rows, links, groups, trusted, followed);

    public long Entries { get; private set; }

    public void Run(IEnumerable<MergedEntry> entries, CancellationToken cancellationToken)
    {
        foreach (var merged in entries)
        {
            cancellationToken.ThrowIfCancellationRequested();
            while (_rows.IsFull)
            {
                // What is held back in a batch may be what the others wait for.
                _content.Flush();
                _rows.WaitForRoom(cancellationToken);
            }

            Entries++;
            Place(merged.Entry, merged);
        }

        while (_path.Count > 0)
            Leave();
    }

    private void Place(TreeEntry entry, MergedEntry merged)
    {
        if (entry.Path.Length == 0)
        {
            while (_path.Count > 0)
                Leave();
            Enter(null, _tree.Roots[entry.Volume].OpenDirectoryAt("."), merged, fresh: false);
            return;
        }

        while (_path.Count > 0 && !_path.Peek().IsParentOf(entry.Key))
            Leave();
        var parent = _path.Peek();
        var name = PathText.Name(entry.Path);
        while (parent.Next is { } other && string.CompareOrdinal(other, name) < 0)
        {
            parent.Advance();
            Remove(parent.Handle, other);
        }

        FileFacts? found = null;
        if (parent.Next == name)
        {
            parent.Advance();
            found = parent.Handle.FactsAt(name);
        }

        switch (entry.Type)
        {
            case EntryType.Directory:
                PlaceDirectory(parent, name, merged, found);
                break;
            case EntryType.HardLink:
                PlaceLink(parent, name, merged, found);
                break;
            case EntryType.File:
                PlaceFile(parent, name, merged, found);
                break;
            default:
                PlaceSpecial(parent, name, merged, found);
                break;
        }
    }

    private void PlaceDirectory(TargetDirectory parent, string name, MergedEntry merged, FileFacts? found)
    {
        const uint ownerAll = 0x1C0;
        var fresh = found is not { Type: EntryType.Directory };
        if (fresh)
        {
            if (found is not null)
                Remove(parent.Handle, name);
            parent.Handle.MakeDirectory(name);
        }
        else if (_open && (found!.Value.Mode & ownerAll) != ownerAll)
        {
            // One that its owner may not enter or change is opened up; its mode is set again at the end.
            using var closed = parent.Handle.OpenAt(name, Posix.PathOnly | Posix.DirectoryOnly);
            _ = FileMetadata.SetMode(closed.ProcPath(), found.Value.Mode | ownerAll);
        }

        Enter(parent, parent.Handle.OpenDirectoryAt(name), merged, fresh);
    }

    private void Enter(TargetDirectory? parent, OpenDirectory handle, MergedEntry merged, bool fresh)
    {
        var entry = merged.Entry;
        _path.Push(new TargetDirectory(parent, handle, entry, fresh, _metadata));
        var substituted = _metadata.Begin(handle.Handle, entry);
        var facts = handle.Handle.Facts();

        // A directory's own identity says little: it is looked at again in each round and in each verification.
        _rows.Add(entry with { Identity = default, Substituted = substituted, ActualUser = facts.User, ActualGroup = facts.Group }, merged.Row);
    }

    private void Leave()
    {
        var directory = _path.Pop();
        for (; directory.Next is { } name; directory.Advance())
            Remove(directory.Handle, name);
        directory.Release();
    }

    private void PlaceFile(TargetDirectory parent, string name, MergedEntry merged, FileFacts? found)
    {
        var (entry, row) = merged;
        var known = _trusted ? row?.Entry : null;
        var stands = found is { Type: EntryType.File } && known is { Type: EntryType.File } && known.Identity == found.Value.Identity;
        var followed = found is { Type: EntryType.File } && !stands ? _followed(entry.Key, found.Value) : null;
        var kept = found is { Type: EntryType.File } && IsOurs(found.Value, stands || followed is not null);
        if (kept && stands && known!.Digest.AsSpan().SequenceEqual(entry.Digest))
        {
            _rows.Add(known, row);
            _links.Remember(entry.Key, found!.Value.Identity, _groups);
            return;
        }

        if (found is not null && !kept)
            Remove(parent.Handle, name);
        entry = merged.Whole();
        parent.Retain();
        var job = new FileJob
        {
            Directory = parent,
            Name = name,
            Entry = entry,
            Row = _rows.Add(null, row),
            Found = kept ? found : null,
        };
        if (kept)
            _links.Remember(entry.Key, found!.Value.Identity, _groups);
        if (kept && followed is not null)
        {
            // What was written ahead is read back with the rest.
            foreach (var written in followed.Written)
                job.AddWritten(written with { Blocks = [.. written.Blocks!.Where(b => b < entry.Blocks.Count)] });
            _content.Patch(job, followed.Blocks);
        }
        else if (kept && stands)
        {
            _content.Patch(job, row!.Map());
        }
        else
        {
            _content.Fill(job);
        }
    }

    private void PlaceSpecial(TargetDirectory parent, string name, MergedEntry merged, FileFacts? found)
    {
        var (entry, row) = merged;
        var known = _trusted ? row?.Entry : null;
        var stands = known is not null && found is not null && known.Type == entry.Type && known.Identity == found.Value.Identity;
        var kept = found is not null && found.Value.Type == entry.Type && (stands || found.Value.Links == 1)
            && (entry.Type != EntryType.SymbolicLink || parent.Handle.ReadLink(name) == entry.LinkTarget);
        if (kept && stands && known!.Digest.AsSpan().SequenceEqual(entry.Digest))
        {
            _rows.Add(known, row);
            _links.Remember(entry.Key, found!.Value.Identity, _groups);
            return;
        }

        if (!kept)
        {
            if (found is not null)
                Remove(parent.Handle, name);
            if (entry.Type == EntryType.SymbolicLink)
                parent.Handle.MakeSymbolicLink(name, entry.LinkTarget);
            else
                parent.Handle.MakeFifo(name);
        }

        var (facts, substituted) = _metadata.Apply(parent.Handle, name, entry);
        _links.Remember(entry.Key, facts.Identity, _groups);
        _rows.Add(entry with { Identity = facts.Identity, Substituted = substituted, ActualUser = facts.User, ActualGroup = facts.Group }, row);
    }

    private void PlaceLink(TargetDirectory parent, string name, MergedEntry merged, FileFacts? found)
    {
        var entry = merged.Entry;
        if (found is { Type: not EntryType.Directory } && _links.IsSame(new EntryKey(entry.Volume, entry.LinkTarget), found.Value.Identity))
        {
            _rows.Add(entry, merged.Row);
            return;
        }

        if (found is not null)
            Remove(parent.Handle, name);
        _links.Add(parent, name, entry);
        _rows.Add(entry, merged.Row);
    }

    /// <summary>Whether writing to a file reaches nothing but what the snapshot says: it has one name, or all its names are in the target.</summary>
    private bool IsOurs(FileFacts found, bool stands)
    {
        if (found.Links <= 1)
            return true;
        var inode = (found.Identity.Device, found.Identity.Inode);
        return (stands || (_names ??= _tree.CountNames()).GetValueOrDefault(inode) == found.Links) && _claimed.Add(inode);
    }

    private void Remove(OpenDirectory directory, string name)
    {
        if (directory.FactsAt(name) is not { } facts)
            return;
        var inode = (facts.Identity.Device, facts.Identity.Inode);
        if (facts.Links > 1 && _names?.GetValueOrDefault(inode) is > 0 and var names)
            _names[inode] = names - 1;
        if (facts.Type == EntryType.Directory)
        {
            const uint ownerAll = 0x1C0;
            if (Posix.EffectiveUser() != 0 && (facts.Mode & ownerAll) != ownerAll)
            {
                using var closed = directory.OpenAt(name, Posix.PathOnly | Posix.DirectoryOnly);
                _ = FileMetadata.SetMode(closed.ProcPath(), facts.Mode | ownerAll);
            }

            using var below = directory.OpenDirectoryAt(name);
            foreach (var inner in below.Names())
                Remove(below, inner);
        }

        directory.Remove(name, facts.Type);
    }
}
