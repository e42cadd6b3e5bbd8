using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>One restore: from what the journal says the target is at, or from what is found there, to what the snapshot says.</summary>
internal sealed class RestoreRound : IDisposable
{
    private readonly Repository _repository;
    private readonly TimeProvider _time;
    private readonly JournalDirectory _directory;
    private readonly SnapshotManifest _manifest;
    private readonly TargetTree _tree;
    private readonly BlockApplier _blocks;
    private readonly FileReader _reader;
    private readonly List<string> _warnings = [];
    private readonly Dictionary<EntryKey, List<int>> _written = [];
    private readonly string _bootId = KernelClock.BootId();
    private long _done;

    public RestoreRound(Repository repository, TimeProvider time, JournalDirectory directory, SnapshotManifest manifest, IEnumerable<string> paths, IProgress<ActivityProgress>? progress)
    {
        (_repository, _time, _directory, _manifest) = (repository, time, directory, manifest);
        _reader = new FileReader(repository.Keys);
        _tree = new TargetTree(paths);
        _blocks = new BlockApplier(repository, bytes => progress?.Report(new ActivityProgress { BytesDone = Interlocked.Add(ref _done, bytes), Doing = "writing" }));
    }

    public async Task<SnapshotRestored> RunAsync(RoundJournal? journal, PartClock clock, CancellationToken cancellationToken)
    {
        if (journal is not null && (journal.RepositoryId != _repository.Id || !journal.Volumes.SequenceEqual(_manifest.Volumes)))
            journal = null;
        var trusted = journal is not null && journal.BootId == _bootId && !File.Exists(_directory.DirtyMark);
        var wanted = await WantedAsync(journal, cancellationToken).ConfigureAwait(false);
        clock.End("read the tree");

        MarkDirty();
        var found = _tree.Walk(makeAccessible: true, cancellationToken);
        var shape = new TargetShape(_tree, found, wanted);
        if (shape.Differs)
            shape.Apply(cancellationToken);
        clock.End("compare");

        var touched = await PatchFilesAsync(wanted, found, shape, trusted ? journal : null, cancellationToken).ConfigureAwait(false);
        clock.End("write");
        var metadata = new MetadataApplier(_tree, _warnings);
        foreach (var entry in wanted.Values)
        {
            if (entry.Type != EntryType.HardLink && entry.Type != EntryType.Directory && touched.Contains(entry.Key))
                metadata.Apply(entry);
        }

        // Directories last, the deepest first: whatever is made in one moves its time.
        foreach (var entry in wanted.Values.Where(e => e.Type == EntryType.Directory).Reverse())
            metadata.Apply(entry);
        metadata.Summarise();
        _tree.CloseDirectories();
        var syncing = Task.Run(_tree.SyncFileSystems, CancellationToken.None);
        try
        {
            await KernelClock.NextTickAsync(_time, cancellationToken).ConfigureAwait(false);
            var entries = ReadBack(wanted, touched, journal, metadata.Substituted, cancellationToken);
            await syncing.ConfigureAwait(false);
            clock.End("read back and sync");
            SaveJournal(entries);
        }
        finally
        {
            await syncing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        clock.End("journal");
        return new SnapshotRestored(_manifest.Id, new RoundFigures
        {
            BytesScanned = _reader.BytesRead,
            BytesChanged = _blocks.BytesWritten,
            BytesShipped = _blocks.BytesWritten,
            Entries = wanted.Count,
            Duration = clock.Total,
        }, clock.Parts, [.. _warnings]);
    }

    public void Dispose()
    {
        _blocks.Dispose();
        _tree.Dispose();
    }

    /// <summary>The tree of the snapshot: the journal's with the layers that came since, where it lies below; else all layers.</summary>
    private async Task<SortedDictionary<EntryKey, TreeEntry>> WantedAsync(RoundJournal? journal, CancellationToken cancellationToken)
    {
        if (journal is null || journal.Layers.Length > _manifest.Layers.Length
            || !journal.Layers.Zip(_manifest.Layers).All(pair => pair.First.SequenceEqual(pair.Second)))
            return await LayerReader.ReadAllAsync(_repository, _manifest, cancellationToken).ConfigureAwait(false);
        var wanted = new SortedDictionary<EntryKey, TreeEntry>(journal.Entries);
        foreach (var layer in _manifest.Layers.Skip(journal.Layers.Length))
            await LayerReader.ApplyAsync(_repository, layer, wanted, cancellationToken).ConfigureAwait(false);
        LayerReader.RequireRoot(_repository, _manifest, wanted);
        return wanted;
    }

    private async Task<HashSet<EntryKey>> PatchFilesAsync(
        SortedDictionary<EntryKey, TreeEntry> wanted, SortedDictionary<EntryKey, FileFacts> found, TargetShape shape, RoundJournal? trusted, CancellationToken cancellationToken)
    {
        var touched = new HashSet<EntryKey>();
        foreach (var entry in wanted.Values.Where(e => e.Type is not (EntryType.Directory or EntryType.HardLink)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var kept = shape.Keeps(entry.Key);
            var known = kept ? trusted?.Entries.GetValueOrDefault(entry.Key) : null;
            if (known is not null && (known.Type != entry.Type || known.Identity != found[entry.Key].Identity))
                known = null;

            // Linking or unlinking other names moves the ctime; then it only costs a comparison.
            if (known is not null && ReferenceEquals(known, entry) && !shape.Differs)
                continue;
            touched.Add(entry.Key);
            if (entry.Type != EntryType.File)
                continue;
            if (known is not null && known.Size == entry.Size && known.Blocks.SameAs(entry.Blocks))
                continue;
            var file = OpenForWriting(entry.Key);
            var size = file.Facts().Size;
            var present = known is not null && known.Size == size ? known.Blocks : _reader.ReadAll(file, size, cancellationToken);
            var blocks = await _blocks.PatchAsync(file, size, present, entry, cancellationToken).ConfigureAwait(false);
            _written[entry.Key] = blocks;
        }

        await _blocks.FlushAsync(cancellationToken).ConfigureAwait(false);
        return touched;
    }

    private OpenFile OpenForWriting(EntryKey key)
    {
        const uint ownerReadWrite = 0x180;
        var (directory, name) = _tree.Parent(key);
        try
        {
            return Checked(directory.OpenAt(name, Posix.ReadWrite | Posix.NonBlocking));
        }
        catch (SystemCallException error) when (error.IsDenied)
        {
            using (var handle = directory.OpenAt(name, Posix.PathOnly))
                _ = FileMetadata.SetMode(handle.ProcPath(), handle.Facts().Mode | ownerReadWrite);
            return Checked(directory.OpenAt(name, Posix.ReadWrite | Posix.NonBlocking));
        }

        static OpenFile Checked(OpenFile file) => file.Facts().Type == EntryType.File ? file : throw new SystemCallException("write (it is no file any more)", file.Shown, Posix.Exists);
    }

    /// <summary>Reads every written block back, and records each file as it then is.</summary>
    private SortedDictionary<EntryKey, TreeEntry> ReadBack(
        SortedDictionary<EntryKey, TreeEntry> wanted, HashSet<EntryKey> touched, RoundJournal? journal, HashSet<EntryKey> substituted, CancellationToken cancellationToken)
    {
        var entries = new SortedDictionary<EntryKey, TreeEntry>();
        foreach (var entry in wanted.Values)
        {
            var substitute = substituted.Contains(entry.Key);
            if (entry.Type == EntryType.HardLink || (entry.Type != EntryType.Directory && !touched.Contains(entry.Key)))
            {
                entries[entry.Key] = entry;
                continue;
            }

            var (directory, name) = _tree.Parent(entry.Key);
            var facts = directory.FactsAt(name) ?? throw new SystemCallException("stat", directory.Show(name), Posix.NotFound);
            var blocks = entry.Blocks;
            if (entry.Type == EntryType.File)
            {
                if (facts.Size != entry.Size)
                    throw new DamageException(directory.Show(name), "it does not have the size that was just given to it: something else writes here");
                if (_written.TryGetValue(entry.Key, out var written) && written.Count > 0)
                    blocks = ReadWritten(directory, name, entry, written, cancellationToken);
            }

            var old = journal?.Entries.GetValueOrDefault(entry.Key);
            substitute |= old is { Substituted: true } && old.ActualUser == facts.User && old.ActualGroup == facts.Group && (old.User, old.Group) == (entry.User, entry.Group);
            var actual = ActualEntry.Describe(_repository.Keys, _tree, entry.Key, facts, blocks, entry, substitute);

            // What the next round starts from is what the snapshot says; where this side differs, its identity says so.
            entries[entry.Key] = actual.Digest.AsSpan().SequenceEqual(entry.Digest) ? actual : entry with { Identity = default };
        }

        return entries;
    }

    private BlockMap ReadWritten(OpenDirectory directory, string name, TreeEntry entry, List<int> written, CancellationToken cancellationToken)
    {
        using var file = directory.OpenAt(name, Posix.ReadOnly | Posix.NonBlocking);
        var read = _reader.Read(file, entry.Size, written, cancellationToken);
        for (var i = 0; i < read.Length; i++)
        {
            if (read[i] != entry.Blocks[written[i]])
                throw new DamageException(file.Shown, $"the block at byte {(long)written[i] * Blocks.Size} does not read back as it was written");
        }

        return entry.Blocks;
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
