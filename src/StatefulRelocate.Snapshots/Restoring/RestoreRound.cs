using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>One restore: from what the journal says the target is at, or from what is found there, to what the snapshot says.</summary>
internal sealed class RestoreRound : IDisposable
{
    private readonly Repository _repository;
    private readonly JournalDirectory _directory;
    private readonly SnapshotManifest _manifest;
    private readonly TargetTree _tree;
    private readonly IProgress<ActivityProgress>? _progress;
    private readonly Lock _reporting = new();
    private readonly string _bootId = KernelClock.BootId();
    private long _done;

    public RestoreRound(Repository repository, JournalDirectory directory, SnapshotManifest manifest, IEnumerable<string> paths, IProgress<ActivityProgress>? progress)
    {
        (_repository, _directory, _manifest, _progress) = (repository, directory, manifest, progress);
        _tree = new TargetTree(paths);
    }

    public SnapshotRestored Run(RoundJournal? journal, PartClock clock, CancellationToken cancellationToken)
    {
        if (journal is not null && (journal.RepositoryId != _repository.Id || !journal.Volumes.SequenceEqual(_manifest.Volumes)))
            journal = null;
        var trusted = journal is not null && journal.BootId == _bootId && !File.Exists(_directory.DirtyMark);
        var wanted = new WantedTree(_repository, _manifest, journal?.Entries.Values ?? (IReadOnlyCollection<TreeEntry>)[], LayersOf(journal));
        wanted.Check(cancellationToken);
        clock.End("read the tree");

        MarkDirty();
        var metadata = new MetadataApplier();
        var entries = new SortedDictionary<EntryKey, TreeEntry>();
        var rows = new RowSequencer(entry => entries.Add(entry.Key, entry));
        var links = new LinkPlan(_tree);
        using var content = new ContentWriter(_repository, metadata, rows, Report, cancellationToken);
        var merge = new TargetMerge(_tree, metadata, content, rows, links, wanted.Groups, trusted, (_, _) => null);
        merge.Run(wanted.Entries(cancellationToken), cancellationToken);
        content.Finish();
        foreach (var (key, identity) in links.Make(content.Group, cancellationToken))
            entries[key] = entries[key] with { Identity = identity };
        clock.End("write");
        _tree.SyncFileSystems();
        clock.End("sync");
        SaveJournal(entries);
        clock.End("journal");
        return new SnapshotRestored(_manifest.Id, new RoundFigures
        {
            BytesScanned = content.BytesRead,
            BytesChanged = content.BytesWritten,
            BytesShipped = content.BytesWritten,
            Entries = merge.Entries,
            Duration = clock.Total,
        }, clock.Parts, [.. metadata.Warnings()]);
    }

    public void Dispose() => _tree.Dispose();

    /// <summary>How many of the manifest's layers the journal's rows hold: all of the journal's, where they are the lowest of the manifest's.</summary>
    private int LayersOf(RoundJournal? journal)
        => journal is not null && journal.Layers.Length <= _manifest.Layers.Length
            && journal.Layers.Zip(_manifest.Layers).All(pair => pair.First.SequenceEqual(pair.Second)) ? journal.Layers.Length : 0;

    private void Report(long bytes)
    {
        lock (_reporting)
            _progress?.Report(new ActivityProgress { BytesDone = _done += bytes, Doing = "writing" });
    }

    private void MarkDirty()
    {
        using (var mark = new FileStream(_directory.DirtyMark, FileMode.Create, FileAccess.Write))
            mark.Flush(flushToDisk: true);
        using var directory = OpenDirectory.Open(_directory.Root);
        directory.Handle.Sync();
    }

    private void SaveJournal(SortedDictionary<EntryKey, TreeEntry> entries)
    {
        new RoundJournal
        {
            RepositoryId = _repository.Id,
            BootId = _bootId,
            SnapshotId = _manifest.Id,
            StartedAt = _manifest.CreatedAt,
            Volumes = _manifest.Volumes,
            Layers = _manifest.Layers,
            Entries = entries,
        }.Save(_directory.TargetJournal);
        File.Delete(_directory.DirtyMark);
    }
}
