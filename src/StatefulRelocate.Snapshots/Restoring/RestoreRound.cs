using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Memory;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>One restore: from what the journal says the target is at, or from what is found there, to what the snapshot says.</summary>
internal sealed class RestoreRound : IDisposable
{
    private readonly Repository _repository;
    private readonly TargetState _state;
    private readonly SnapshotManifest _manifest;
    private readonly TargetTree _tree;
    private readonly AheadOfManifest? _ahead;
    private readonly long _memory;
    private readonly IProgress<ActivityProgress>? _progress;
    private readonly Lock _reporting = new();
    private long _done, _total;

    public RestoreRound(
        Repository repository, TargetState state, SnapshotManifest manifest, IEnumerable<string> paths, AheadOfManifest? ahead, long memory, IProgress<ActivityProgress>? progress)
    {
        (_repository, _state, _manifest, _ahead, _memory, _progress) = (repository, state, manifest, ahead, Math.Max(memory, MemoryBudget.Least), progress);
        _done = ahead?.BytesWritten ?? 0;
        _tree = new TargetTree(paths);
    }

    public SnapshotRestored Run(PartClock clock, CancellationToken cancellationToken)
    {
        // What rounds kept here when this side was a source: stale now, and every write would copy what it shares.
        foreach (var root in _tree.Roots)
            ReservedDirectory.RemoveStale(root);
        var mine = _state.Head?.Volumes.SequenceEqual(_manifest.Volumes) == true;
        var upon = mine ? LayersOf(_state.Head!) : 0;
        var wanted = new WantedTree(_repository, _manifest, mine ? _state.Rows() : [], upon, _memory / 5);
        Check(wanted, upon, cancellationToken);
        clock.End("read the tree");
        _total = _done + (mine && _state.IsTrusted ? wanted.BytesNotInRows : _manifest.Bytes);

        _state.MarkDirty();
        var metadata = new MetadataApplier();
        using var journal = new TargetJournal(_state, _repository.Keys);
        foreach (var row in wanted.Gone)
            journal.Release(row.Stored);
        var rows = new RowSequencer(journal.Add);
        var links = new LinkPlan(_tree);
        using var content = new ContentWriter(_repository, metadata, rows, Report, _tree.SyncFileSystems, _memory / 2, cancellationToken);
        var merge = new TargetMerge(_tree, metadata, content, rows, links, wanted.Groups, mine && _state.IsTrusted, Followed);
        merge.Run(wanted.Entries(cancellationToken), cancellationToken);
        content.Finish();
        rows.End();
        links.Make(cancellationToken);
        clock.End("write");
        _tree.SyncFileSystems();
        clock.End("sync");
        journal.Commit(_repository.Id, _manifest);
        clock.End("journal");
        var ahead = _ahead?.BytesWritten ?? 0;
        return new SnapshotRestored(_manifest.Id, new RoundFigures
        {
            BytesScanned = content.BytesRead,
            BytesChanged = content.BytesWritten + ahead,
            BytesShipped = content.BytesWritten + ahead,
            Entries = merge.Entries,
            Duration = clock.Total,
        }, clock.Parts, [.. metadata.Warnings()]);
    }

    public void Dispose() => _tree.Dispose();

    /// <summary>Where the tree is read upon the journal's rows, those may be what does not fit; without them it is seen whether the snapshot is damaged.</summary>
    private static void Check(WantedTree wanted, int upon, CancellationToken cancellationToken)
    {
        try
        {
            wanted.Check(cancellationToken);
        }
        catch (DamageException) when (upon > 0)
        {
            throw new JournalDamageException();
        }
    }

    /// <summary>How many of the manifest's layers the journal's rows hold: all of the journal's, where they are the lowest of the manifest's.</summary>
    private int LayersOf(JournalHead journal)
        => journal.Layers.Length <= _manifest.Layers.Length
            && journal.Layers.Zip(_manifest.Layers).All(pair => pair.First.SequenceEqual(pair.Second)) ? journal.Layers.Length : 0;

    /// <summary>What turns out to be more than was to be gone through has no known end.</summary>
    private void Report(long bytes)
    {
        lock (_reporting)
        {
            _done += bytes;
            _progress?.Report(new ActivityProgress { BytesDone = _done, BytesTotal = _done <= _total ? _total : null, Doing = "restoring" });
        }
    }

    private FollowedFile? Followed(EntryKey key, FileFacts facts) => _ahead?.Find(key, facts);
}
