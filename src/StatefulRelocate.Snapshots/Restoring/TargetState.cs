using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>What the target's journal says it is at, and whether that can be believed.</summary>
internal sealed class TargetState : IDisposable
{
    private readonly JournalDirectory _directory;
    private readonly KeyRing _keys;
    private readonly JournalReader? _journal;
    private readonly ChunkFile? _chunks;

    private TargetState(JournalDirectory directory, KeyRing keys, JournalReader? journal)
    {
        (_directory, _keys, _journal) = (directory, keys, journal);
        if (journal is null)
            return;
        _chunks = ChunkFile.Open(directory.TargetChunks, fingerprints: false, journal.Head.Space);
        IsTrusted = journal.Head.BootId == KernelClock.BootId() && !File.Exists(directory.DirtyMark);
    }

    /// <summary>What the journal says of the restore before; null without one of this repository.</summary>
    public JournalHead? Head => _journal?.Head;

    /// <summary>Whether nothing was begun since, and no machine crashed: what a file's identity still says of it holds.</summary>
    public bool IsTrusted { get; }

    public JournalDirectory Directory => _directory;

    public ChunkFile? Chunks => _chunks;

    public static TargetState Load(JournalDirectory directory, Repository repository)
    {
        var journal = JournalReader.Open(directory.TargetJournal);
        if (journal is not null && journal.Head.RepositoryId == repository.Id && ChunkFile.IsThere(directory.TargetChunks, journal.Head.Space))
            return new TargetState(directory, repository.Keys, journal);
        journal?.Dispose();
        return new TargetState(directory, repository.Keys, null);
    }

    /// <summary>As if there were no journal.</summary>
    public static TargetState Without(JournalDirectory directory, Repository repository) => new(directory, repository.Keys, null);

    /// <summary>The journal's rows in path order; gone through by one at a time.</summary>
    public IEnumerable<TargetRow> Rows()
    {
        _journal?.Rewind();
        while (_journal?.MoveNext() == true)
            yield return Current();
    }

    /// <summary>What is known of a name, if it can be believed. Cheap when asked for in path order.</summary>
    public TargetRow? Known(EntryKey key)
    {
        if (!IsTrusted)
            return null;
        if (!_journal!.HasCurrent || _journal.Current.CompareTo(key.Volume, key.Path) > 0)
        {
            _journal.Rewind();
            _journal.MoveNext();
        }

        while (_journal.HasCurrent && _journal.Current.CompareTo(key.Volume, key.Path) < 0)
            _journal.MoveNext();
        return _journal.HasCurrent && _journal.Current.CompareTo(key.Volume, key.Path) == 0 ? Current() : null;
    }

    /// <summary>Durable when it returns; stands until a journal says what the target is at.</summary>
    public void MarkDirty()
    {
        if (File.Exists(_directory.DirtyMark))
            return;
        using (var mark = new FileStream(_directory.DirtyMark, FileMode.Create, FileAccess.Write))
            mark.Flush(flushToDisk: true);
        using var directory = OpenDirectory.Open(_directory.Root);
        directory.Handle.Sync();
    }

    public void Dispose()
    {
        _journal?.Dispose();
        _chunks?.Dispose();
    }

    private TargetRow Current() => new(_journal!.Current, _chunks!, _keys);
}
