using System.Buffers.Binary;
using System.Security.Cryptography;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Consistency;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Memory;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Retention;
using StatefulRelocate.Snapshots.Streaming;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>One round: from what the journal says of the one before to a sealed snapshot and the next journal.</summary>
internal sealed class SourceRound
{
    /// <summary>A tree of more layers is written anew, except in a final round: a restore elsewhere reads them all.</summary>
    private const int MaxLayers = 16;

    /// <summary>What a round takes besides the buffers of packs: the program, its workers, the layer being written.</summary>
    private const long OtherMemory = 28L << 20;

    /// <summary>One being filled and four being put: more of them would not be faster.</summary>
    private const int MaxPackBuffers = 5;

    /// <summary>One being filled and one being put: with fewer, the workers would stand still while a pack is put.</summary>
    private const int LeastPackBuffers = 2;

    /// <summary>Where a target follows the round: a pack must fill while the round goes on, not at its end.</summary>
    private const int SegmentsTogetherWhenFollowed = 4;
    private readonly Repository _repository;
    private readonly TimeProvider _time;
    private readonly SnapshotRequest _request;
    private readonly JournalDirectory _directory;
    private readonly IProgress<ActivityProgress>? _progress;
    private readonly RoundWarnings _warnings;
    private readonly string _bootId = KernelClock.BootId();

    public SourceRound(Repository repository, TimeProvider time, SnapshotRequest request, JournalDirectory directory, IProgress<ActivityProgress>? progress)
    {
        (_repository, _time, _request, _directory, _progress) = (repository, time, request, directory, progress);
        _warnings = new RoundWarnings(fuzzy: request.RelocationId is not null);
    }

    /// <summary>How many segments each worker may hold until they go side by side into a pack: what the memory leaves when two packs have their place.</summary>
    /// <param name="memory">The whole of it, in bytes.</param>
    /// <param name="workers">How many hold some.</param>
    /// <param name="most">More of them are no use.</param>
    internal static int SegmentsTogether(long memory, int workers, int most) =>
        (int)Math.Clamp((memory - OtherMemory - (LeastPackBuffers * (long)PackWriter.BufferLength)) / workers / PackWriter.SegmentLength, 1, most);

    /// <summary>What the workers' segments take beside the one that each is filling.</summary>
    internal static long SegmentMemory(int workers, int together) => (long)workers * (together - 1) * PackWriter.SegmentLength;

    public async Task<SnapshotTaken> TakeAsync(CancellationToken cancellationToken)
    {
        using var found = OpenJournal();
        if (_request.DryRun)
            return await TakeAsync(null, found, cancellationToken).ConfigureAwait(false);
        var writing = await WriterAnnouncement.BeginAsync(_repository, _request.SnapshotId, found?.Head.SnapshotId, _directory.Root, cancellationToken).ConfigureAwait(false);
        await using (writing.ConfigureAwait(false))
            return await TakeAsync(writing, found, cancellationToken).ConfigureAwait(false);
    }

    private async Task<SnapshotTaken> TakeAsync(WriterAnnouncement? writing, JournalReader? found, CancellationToken cancellationToken)
    {
        var clock = new PartClock(_time);

        // After the announcement: as long as that stands, a prune keeps what a snapshot needs that is sealed now.
        var journal = found is not null && await _repository.Snapshots.IsSealedAsync(found.Head.SnapshotId, cancellationToken).ConfigureAwait(false) ? found : null;
        if (_request.RelocationId is null || _request.DryRun)
            return await TakeAsync(writing, journal, null, clock, cancellationToken).ConfigureAwait(false);

        // A target follows the round.
        var announcer = RoundAnnouncer.Start(_repository, _request.SnapshotId, journal?.Head.SnapshotId, cancellationToken);
        await using (announcer.ConfigureAwait(false))
            return await TakeAsync(writing, journal, announcer, clock, cancellationToken).ConfigureAwait(false);
    }

    private async Task<SnapshotTaken> TakeAsync(WriterAnnouncement? writing, JournalReader? journal, RoundAnnouncer? announcer, PartClock clock, CancellationToken cancellationToken)
    {
        var startedAt = _time.GetUtcNow();
        using var chunks = OpenChunks(journal);
        var counters = new RoundCounters(_time, _progress);
        var workers = RoundPipeline.Workers;
        var together = SegmentsTogether(_request.Memory, workers, _request.Final ? 1 : announcer is null ? PackWriter.MostSegmentsTogether : SegmentsTogetherWhenFollowed);
        var budget = new MemoryBudget(Math.Min(_request.Memory - OtherMemory - SegmentMemory(workers, together), MaxPackBuffers * (long)PackWriter.BufferLength));
        using var packs = new PackWriter(
            _repository, budget, () => writing?.LoadIndexAsync(cancellationToken) ?? _repository.Index.RefreshAsync(cancellationToken), _request.DryRun, eager: _request.Final, together, announcer, counters.Ship, cancellationToken);
        _repository.Index.UseCache(_directory.IndexCache);
        clock.End("open");
        var source = await ConsistentSource.OpenAsync(_request, _directory.Root, _time, _warnings.Add, cancellationToken).ConfigureAwait(false);
        await using (source.ConfigureAwait(false))
        {
            var ranges = source.OpenRanges();
            clock.End("sync");
            try
            {
                return await TakeAsync(source, new RoundContext
                {
                    Repository = _repository,
                    Writing = writing,
                    Request = _request,
                    Counters = counters,
                    Packs = packs,
                    Chunks = _request.DryRun ? null : chunks,
                    Seed = journal?.Head.Seed ?? BinaryPrimitives.ReadInt64LittleEndian(RandomNumberGenerator.GetBytes(8)),
                    Observer = announcer,
                    Ranges = ranges,
                    Warnings = _warnings,
                    AsOf = source.AsOf,
                    CompareAll = _request.Paranoid || (journal is not null && journal.Head.BootId != _bootId),
                }, journal, chunks, startedAt, clock, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                // Whatever happened: what is being put is put before its writer says that it ended.
                await packs.DrainAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                foreach (var driver in ranges)
                    driver.Dispose();
            }
        }
    }

    private async Task<SnapshotTaken> TakeAsync(
        ConsistentSource source, RoundContext round, JournalReader? journal, ChunkFile? chunks, DateTimeOffset startedAt, PartClock clock, CancellationToken cancellationToken)
    {
        var whole = journal is null || (journal.Head.Layers.Length >= MaxLayers && !(_request.Final && round.Moves));
        using var table = _request.DryRun ? null : new JournalWriter(_directory.SourceJournal);
        using var layer = _request.DryRun ? null : new LayerWriter(_repository, round.Counters.Ship, cancellationToken);
        using var sequencer = new RoundSequencer(round, table, layer, chunks, whole);
        var forecast = SizeForecast.Start(round.Counters, source.Roots, round.CompareAll ? null : journal?.Head.Entries, _request.Filter, _time, cancellationToken);
        await using (forecast.ConfigureAwait(false))
            await new RoundPipeline(round, sequencer).RunAsync(source.Roots, journal, chunks, cancellationToken).ConfigureAwait(false);
        await source.ReadAsync().ConfigureAwait(false);
        clock.End("scan");

        IReadOnlyList<string> parts = [];
        if (layer is not null)
        {
            var finishing = layer.FinishAsync();
            await Task.WhenAll(round.Packs.FinishAsync(), finishing).ConfigureAwait(false);
            parts = await finishing.ConfigureAwait(false);
        }

        clock.End("upload");
        var manifest = new SnapshotManifest
        {
            Id = _request.SnapshotId,
            App = _request.App,
            CreatedAt = startedAt,
            RelocationId = _request.RelocationId,
            Round = _request.Round,
            Final = _request.Final,
            Parent = journal?.Head.SnapshotId,
            Tags = _request.Tags,
            Volumes = [.. _request.Volumes.Select(v => v.Name)],
            Layers = whole ? [[.. parts]] : parts.Count == 0 ? journal!.Head.Layers : journal!.Head.Layers.Add([.. parts]),
            RootHash = sequencer.RootHash(),
            Entries = sequencer.Entries,
            Bytes = sequencer.Bytes,
            Warnings = [.. _warnings.All()],
        };
        RoundFigures Figures() => new()
        {
            BytesScanned = round.Counters.Scanned,
            BytesChanged = round.Counters.Changed,
            BytesShipped = round.Counters.Shipped,
            Entries = sequencer.Entries,
            Duration = clock.Total,
            FinalDuration = FinalDuration(round, clock),
            SincePrevious = journal is null ? null : startedAt - journal.Head.StartedAt,
        };
        manifest = manifest with { Figures = Figures() };
        if (_request.DryRun)
            return Snapshotter.Taken(manifest) with { Parts = clock.Parts };
        await round.Writing!.SealAsync(manifest, cancellationToken).ConfigureAwait(false);
        var isSealed = await _repository.Snapshots.PutAsync(manifest, round.Counters.Ship, cancellationToken).ConfigureAwait(false);
        round.Writing.Answered();
        if (!isSealed)
            return Snapshotter.Taken(await _repository.Snapshots.GetAsync(_request.SnapshotId, cancellationToken).ConfigureAwait(false));
        CommitJournal(table!, chunks!, manifest, round);
        await _repository.Index.SaveCacheAsync(cancellationToken).ConfigureAwait(false);
        clock.End("seal");
        return new SnapshotTaken(manifest.Id, manifest.RootHash, Figures(), clock.Parts, [.. _warnings.All()]);
    }

    /// <summary>What this round would have taken by the lists that it only checked.</summary>
    private TimeSpan? FinalDuration(RoundContext round, PartClock clock)
    {
        const double readingAndShipping = 10;
        if (!_request.AuditRanges || round.Counters.Scanned == 0 || round.Ranges.All(ranges => ranges.Driver == "scan"))
            return null;
        var scan = clock.Parts.First(part => part.Name == "scan").Duration;
        return clock.Total - scan * (1 - Math.Min(1, readingAndShipping * round.Counters.Listed / round.Counters.Scanned));
    }

    /// <summary>The journal of the round before, if it speaks of this repository and these volumes.</summary>
    private JournalReader? OpenJournal()
    {
        var journal = JournalReader.Open(_directory.SourceJournal);
        if (journal is not null && ChunkFile.IsThere(_directory.SourceChunks, journal.Head.Space) && journal.Head.RepositoryId == _repository.Id
            && journal.Head.Volumes.SequenceEqual(_request.Volumes.Select(v => v.Name)))
            return journal;
        journal?.Dispose();
        return null;
    }

    private ChunkFile? OpenChunks(JournalReader? journal)
    {
        if (journal is not null)
            return ChunkFile.Open(_directory.SourceChunks, fingerprints: true, journal.Head.Space);
        if (_request.DryRun)
            return null;

        // Before its records are overwritten: another repository's round must not find a table whose records are not its own.
        File.Delete(_directory.SourceJournal);
        return ChunkFile.Open(_directory.SourceChunks, fingerprints: true, null);
    }

    /// <summary>The snapshot is sealed: without a journal the next round only costs more.</summary>
    private void CommitJournal(JournalWriter table, ChunkFile chunks, SnapshotManifest manifest, RoundContext round)
    {
        try
        {
            // First: that a file was read by a list must be known by then. Whoever finds the older journal after this finds no digest that these ranges know.
            foreach (var ranges in round.Ranges)
                ranges.Commit();
            table.Commit(new JournalHead
            {
                RepositoryId = _repository.Id,
                BootId = _bootId,
                SnapshotId = manifest.Id,
                StartedAt = manifest.CreatedAt,
                Seed = round.Seed,
                Volumes = manifest.Volumes,
                Layers = manifest.Layers,
                Space = chunks.Space(),
            });
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _warnings.Add($"{_directory.SourceJournal}: cannot be written, so the next round compares with an older one: {error.Message}");
        }
    }
}
