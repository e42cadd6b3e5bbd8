using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>
/// A directory of the target while something in it may still change. It gets its mode and time when the walk has left it and all that was
/// begun below it is done, because whatever is made in it moves its time.
/// </summary>
internal sealed class TargetDirectory
{
    private const uint SetGroupBit = 0x400;
    private readonly MetadataApplier _metadata;
    private readonly List<string> _names;
    private int _next;
    private int _pending = 1;
    private int _inherits, _givesGroup;

    /// <param name="parent">What it lies in; null for a volume's own.</param>
    /// <param name="handle">It, opened; taken over.</param>
    /// <param name="entry">What it is to be.</param>
    /// <param name="fresh">Whether it was just made, and holds nothing.</param>
    /// <param name="metadata">Gives it its mode and time at the end.</param>
    public TargetDirectory(TargetDirectory? parent, OpenDirectory handle, TreeEntry entry, bool fresh, MetadataApplier metadata)
    {
        (Parent, Handle, Entry, _metadata) = (parent, handle, entry, metadata);
        _names = fresh ? [] : handle.Names();
        if (parent is null)
            _names.Remove(ReservedDirectory.Name);
        parent?.Retain();
    }

    public TargetDirectory? Parent { get; }

    public OpenDirectory Handle { get; }

    public TreeEntry Entry { get; }

    /// <summary>Whether files that are made in it come with an access list of their own.</summary>
    public bool Inherits => Known(ref _inherits, static handle => HandleMetadata.Probe(handle, "system.posix_acl_default") == 0);

    /// <summary>Whether files that are made in it get its group, and not that of this process.</summary>
    public bool GivesGroup => Known(ref _givesGroup, static handle => (handle.Facts().Mode & SetGroupBit) != 0);

    /// <summary>The next name that was found in it and not asked for yet, or null.</summary>
    public string? Next => _next < _names.Count ? _names[_next] : null;

    /// <summary>Whether it contains, directly or not, what a key names.</summary>
    public bool IsParentOf(EntryKey key) => key.Volume == Entry.Volume && key.Path.Length > 0
        && (Entry.Path.Length == 0 ? !key.Path.Contains('/', StringComparison.Ordinal)
            : key.Path.Length > Entry.Path.Length && key.Path[Entry.Path.Length] == '/' && key.Path.StartsWith(Entry.Path, StringComparison.Ordinal)
                && key.Path.IndexOf('/', Entry.Path.Length + 1) < 0);

    public void Advance() => _next++;

    /// <summary>Keeps it open until something in it is done.</summary>
    public void Retain() => Interlocked.Increment(ref _pending);

    /// <summary>Something in it is done, or the walk has left it.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _pending) > 0)
            return;
        _metadata.Finish(this);
        Handle.Dispose();
        Parent?.Release();
    }

    /// <summary>Asked for once; by two threads at the same time perhaps twice, with the same answer.</summary>
    private bool Known(ref int answer, Func<OpenFile, bool> ask)
    {
        if (answer == 0)
            answer = ask(Handle.Handle) ? 1 : 2;
        return answer == 1;
    }
}
