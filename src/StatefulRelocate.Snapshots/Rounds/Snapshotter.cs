using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Retention;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>Takes snapshots of directory trees; each ships only what changed since the round before.</summary>
public sealed class Snapshotter
{
    /// <summary>A tree of more layers is written anew, except in a final round: a restore elsewhere reads them all.</summary>
    private const int MaxLayers = 16;

    private readonly Repository _repository;
    private readonly TimeProvider _time;

    /// <summary>Makes one.</summary>
    public Snapshotter(Repository repository, TimeProvider time) => (_repository, _time) = (repository, time);

    /// <summary>Takes a snapshot. When one of that id is sealed already, its result is returned again.</summary>
    /// <exception cref="RelocateException">A volume cannot be read, or (final round) changed while it was read.</exception>
    /// <exception cref="Storage.ObjectStoreException">The store could not be reached.</exception>
    public async Task<SnapshotTaken> TakeAsync(SnapshotRequest request, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        if (_repository.App is { } only && only != request.App)
            throw new RelocateException($"{_repository.Store.Description}: the key opens app '{only}' only, and not '{request.App}'");
        if (await _repository.Snapshots.FindAsync(request.SnapshotId, cancellationToken).ConfigureAwait(false) is { } already)
            return Taken(already, []);
        using var directory = JournalDirectory.Open(request.JournalDirectory);
        try
        {
            return await Task.Run(() => TakeRoundAsync(request, directory, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException(error.Message, inner: error);
        }
    }

    private async Task<SnapshotTaken> TakeRoundAsync(SnapshotRequest request, JournalDirectory directory, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        var clock = new PartClock(_time);
        var startedAt = _time.GetUtcNow();
        await using var writing = (await WriterAnnouncement.BeginAsync(_repository, request.SnapshotId, directory.Root, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        var journal = await LoadParentAsync(request, directory, cancellationToken).ConfigureAwait(false);
        var bootId = KernelClock.BootId();
        var seed = journal?.Seed ?? BinaryPrimitives.ReadInt64LittleEndian(RandomNumberGenerator.GetBytes(8));
        clock.End("open");

        long shipped = 0;
        void Ship(long bytes) => Interlocked.Add(ref shipped, bytes);
        var warnings = new List<string>();
        var entries = new SortedDictionary<EntryKey, TreeEntry>();
        using var packs = new PackWriter(_repository, Ship, cancellationToken);
        var files = new FileScanner(_repository, packs, seed);
        var roots = new List<OpenDirectory>();
        try
        {
            foreach (var volume in request.Volumes)
                roots.Add(OpenDirectory.Open(volume.Path));

            // Before the first stat: pages that are mapped and dirty are written back and protected, so that a later store moves the mtime.
            foreach (var root in roots.DistinctBy(r => r.Handle.Facts().Identity.Device))
                root.Handle.SyncFileSystem();
            clock.End("sync");
            var scanner = new TreeScanner(_repository, files, journal, request, journal is not null && journal.BootId != bootId, warnings, progress);
            for (var i = 0; i < roots.Count; i++)
                await scanner.ScanAsync(i, request.Volumes[i].Path, roots[i], entries, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            roots.ForEach(r => r.Dispose());
        }

        clock.End("scan");
        var layers = WriteLayersAsync(request, journal, entries, Ship, cancellationToken);
        var tables = await packs.FinishAsync().ConfigureAwait(false);
        await _repository.Index.PutAsync(tables, Ship, cancellationToken).ConfigureAwait(false);
        var manifest = new SnapshotManifest
        {
            Id = request.SnapshotId,
            App = request.App,
            CreatedAt = startedAt,
            RelocationId = request.RelocationId,
            Round = request.Round,
            Final = request.Final,
            Parent = journal?.SnapshotId,
            Tags = request.Tags,
            Volumes = [.. request.Volumes.Select(v => v.Name)],
            Layers = await layers.ConfigureAwait(false),
            RootHash = TreeHash.Root(_repository.Keys, entries.Values),
            Entries = entries.Count,
            Bytes = entries.Values.Sum(e => e.Size),
            Warnings = [.. warnings],
        };
        clock.End("upload");
        manifest = manifest with
        {
            Figures = new RoundFigures
            {
                BytesScanned = files.BytesScanned,
                BytesChanged = files.BytesChanged,
                BytesShipped = shipped,
                Entries = entries.Count,
                Duration = clock.Total,
                SincePrevious = journal is null ? null : startedAt - journal.StartedAt,
            },
        };
        if (!await _repository.Snapshots.PutAsync(manifest, Ship, cancellationToken).ConfigureAwait(false))
            return Taken(await _repository.Snapshots.GetAsync(request.SnapshotId, cancellationToken).ConfigureAwait(false), []);
        manifest = manifest with { Figures = manifest.Figures with { BytesShipped = shipped, Duration = clock.Total } };
        SaveJournal(directory, manifest, bootId, seed, entries, warnings);
        clock.End("seal");
        return Taken(manifest, clock.Parts) with { Warnings = [.. warnings] };
    }

    /// <summary>The journal of the round before, if it speaks of this repository, these volumes, and a snapshot that is still there.</summary>
    private async Task<RoundJournal?> LoadParentAsync(SnapshotRequest request, JournalDirectory directory, CancellationToken cancellationToken)
    {
        var journal = RoundJournal.Load(directory.SourceJournal);
        return journal is not null && journal.RepositoryId == _repository.Id && journal.Volumes.SequenceEqual(request.Volumes.Select(v => v.Name))
            && await _repository.Snapshots.IsSealedAsync(journal.SnapshotId, cancellationToken).ConfigureAwait(false) ? journal : null;
    }

    private async Task<ImmutableArray<ImmutableArray<string>>> WriteLayersAsync(
        SnapshotRequest request, RoundJournal? journal, SortedDictionary<EntryKey, TreeEntry> entries, Action<long> ship, CancellationToken cancellationToken)
    {
        using var writer = new LayerWriter(_repository, ship, cancellationToken);
        if (journal is null || (journal.Layers.Length >= MaxLayers && !request.Final))
        {
            foreach (var entry in entries.Values)
                await writer.PutAsync(entry, null).ConfigureAwait(false);
            return [[.. await writer.FinishAsync().ConfigureAwait(false)]];
        }

        // In path order, removals among the rest: readers lay layers upon each other as streams.
        using var before = journal.Entries.Values.GetEnumerator();
        var has = before.MoveNext();
        foreach (var entry in entries.Values)
        {
            for (; has && before.Current.Key.CompareTo(entry.Key) < 0; has = before.MoveNext())
                await writer.RemoveAsync(before.Current.Key).ConfigureAwait(false);
            var below = has && before.Current.Key == entry.Key ? before.Current : null;
            if (below is not null)
                has = before.MoveNext();
            if (below is null || !below.Digest.AsSpan().SequenceEqual(entry.Digest))
                await writer.PutAsync(entry, below).ConfigureAwait(false);
        }

        for (; has; has = before.MoveNext())
            await writer.RemoveAsync(before.Current.Key).ConfigureAwait(false);
        var parts = await writer.FinishAsync().ConfigureAwait(false);
        return parts.Count == 0 ? journal.Layers : journal.Layers.Add([.. parts]);
    }

    /// <summary>The snapshot is sealed: without a journal the next round only costs more.</summary>
    private void SaveJournal(JournalDirectory directory, SnapshotManifest manifest, string bootId, long seed, SortedDictionary<EntryKey, TreeEntry> entries, List<string> warnings)
    {
        try
        {
            new RoundJournal
            {
                RepositoryId = _repository.Id,
                BootId = bootId,
                SnapshotId = manifest.Id,
                StartedAt = manifest.CreatedAt,
                Seed = seed,
                Volumes = manifest.Volumes,
                Layers = manifest.Layers,
                Entries = entries,
            }.Save(directory.SourceJournal);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            warnings.Add($"{directory.SourceJournal}: cannot be written, so the next round reads everything: {error.Message}");
        }
    }

    private static SnapshotTaken Taken(SnapshotManifest manifest, ImmutableArray<StepPart> parts)
        => new(manifest.Id, manifest.RootHash, manifest.Figures, parts, manifest.Warnings);
}
