using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>What the target's journal says it is at, and whether that can be believed.</summary>
internal sealed class TargetState
{
    private readonly JournalDirectory _directory;
    private readonly string _repositoryId;
    private readonly string _bootId = KernelClock.BootId();

    private TargetState(JournalDirectory directory, string repositoryId) => (_directory, _repositoryId) = (directory, repositoryId);

    /// <summary>The journal of the restore before; null without one of this repository.</summary>
    public RoundJournal? Journal { get; private init; }

    /// <summary>Whether nothing was begun since, and no machine crashed: what a file's identity still says of it holds.</summary>
    public bool IsTrusted { get; private init; }

    public static TargetState Load(JournalDirectory directory, string repositoryId)
    {
        var journal = RoundJournal.Load(directory.TargetJournal);
        var mine = journal?.RepositoryId == repositoryId ? journal : null;
        return new TargetState(directory, repositoryId)
        {
            Journal = mine,
            IsTrusted = mine is not null && mine.BootId == KernelClock.BootId() && !File.Exists(directory.DirtyMark),
        };
    }

    /// <summary>What is known of a name, if it can be believed.</summary>
    public TreeEntry? Known(EntryKey key) => IsTrusted ? Journal!.Entries.GetValueOrDefault(key) : null;

    /// <summary>Durable when it returns; stands until <see cref="Save"/>.</summary>
    public void MarkDirty()
    {
        if (File.Exists(_directory.DirtyMark))
            return;
        using (var mark = new FileStream(_directory.DirtyMark, FileMode.Create, FileAccess.Write))
            mark.Flush(flushToDisk: true);
        using var directory = OpenDirectory.Open(_directory.Root);
        directory.Handle.Sync();
    }

    public void Save(Manifests.SnapshotManifest manifest, SortedDictionary<EntryKey, TreeEntry> entries)
    {
        new RoundJournal
        {
            RepositoryId = _repositoryId,
            BootId = _bootId,
            SnapshotId = manifest.Id,
            StartedAt = manifest.CreatedAt,
            Volumes = manifest.Volumes,
            Layers = manifest.Layers,
            Entries = entries,
        }.Save(_directory.TargetJournal);
        File.Delete(_directory.DirtyMark);
    }
}
