using System.Threading.Channels;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Memory;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>A part of a file to be read, and what it takes of the window of what is being read.</summary>
internal readonly record struct PlannedPart(FileJob Job, FileJobPart Part, long Window);

/// <summary>Reads parts of files until there are no more. Several work side by side.</summary>
internal sealed class RoundWorker : IDisposable
{
    private const int LiveRereads = 2;

    /// <summary>A live file larger than this is not read again because it changed meanwhile: it will have changed again.</summary>
    private const long RereadSize = 16L << 20;
    private readonly RoundContext _round;
    private readonly ChunkScanner _scanner;
    private readonly RowBuilder _rows;

    public RoundWorker(RoundContext round)
    {
        _round = round;
        _scanner = new ChunkScanner(round);
        _rows = new RowBuilder(round.Repository.Keys);
    }

    public async Task RunAsync(ChannelReader<PlannedPart> parts, MemoryBudget window, CancellationToken cancellationToken)
    {
        await foreach (var (job, part, bytes) in parts.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            try
            {
                await ReadAsync(job, part, cancellationToken).ConfigureAwait(false);
                if (job.End())
                    await FinishAsync(job, cancellationToken).ConfigureAwait(false);
            }
            catch (SystemCallException error)
            {
                // The others' parts of the file come to nothing, and the last of them says so.
                job.Broken ??= error;
                if (job.End())
                    await FinishAsync(job, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                job.Fail(error);
                throw;
            }
            finally
            {
                window.Release(bytes);
                _round.Counters.GoThrough(Math.Clamp(job.Size - part.FirstChunk * BlockMap.ChunkLength, 0, part.Chunks * BlockMap.ChunkLength));
            }
        }

        await _scanner.FlushAsync().ConfigureAwait(false);
    }

    public void Dispose()
    {
        _scanner.Dispose();
        _rows.Dispose();
    }

    private async ValueTask ReadAsync(FileJob job, FileJobPart part, CancellationToken cancellationToken)
    {
        for (var i = 0; i < part.Chunks && job.Broken is null; i++)
        {
            if (await _scanner.ScanAsync(job, part.FirstChunk + i, cancellationToken).ConfigureAwait(false) is { } chunk)
                job.Add(chunk);
        }
    }

    /// <summary>All parts are read: the file's entry, or another attempt where it changed meanwhile.</summary>
    private async ValueTask FinishAsync(FileJob job, CancellationToken cancellationToken)
    {
        try
        {
            for (var attempt = 0; ; attempt++)
            {
                if (job.Broken is { } error)
                    throw error;
                var before = attempt == 0 ? job.Facts : job.Reread!.Value.Facts;
                var seenAt = attempt == 0 ? job.SeenAt : job.Reread!.Value.SeenAt;
                var attributes = FileMetadata.ReadAttributes(job.File);
                var moved = job.File.Facts().Identity != before.Identity;
                if (moved && _round.Final)
                    throw new RelocateException($"{job.File.Shown}: the file changed while the final snapshot read it: something still writes", ExitCode.OurError);
                var torn = job.Torn || (moved && !job.Ranged.Stable);
                if (!torn || attempt >= LiveRereads || job.Size > RereadSize || job.Ranged.Stable || job.Ranged.ToRead is not null)
                {
                    if (torn)
                        _round.Warnings.AddChanging(job.File.Shown);
                    Complete(job, before, seenAt, attributes, racy: moved || torn);
                    return;
                }

                await RereadAsync(job, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (SystemCallException error)
        {
            job.LeaveOut(_round.LeaveOut(error));
        }
        catch (Exception error)
        {
            job.Fail(error);
            throw;
        }
    }

    private async ValueTask RereadAsync(FileJob job, CancellationToken cancellationToken)
    {
        foreach (var chunk in job.TakeChunks())
        {
            // Written for nothing.
            if (job.Known?.Find(chunk.Number)?.Offset != chunk.Offset)
                _round.Chunks?.Release(chunk.Offset, BlockMap.BlocksIn(job.Count, chunk.Number));
        }

        (job.Torn, job.Ids, job.Fingerprints) = (false, [], []);
        var seenAt = _round.Now();
        var facts = job.File.Facts();
        job.Reread = (facts, seenAt);
        job.Size = facts.Size;
        await ReadAsync(job, new FileJobPart(0, (int)BlockMap.ChunksOf(job.Count)), cancellationToken).ConfigureAwait(false);
    }

    private void Complete(FileJob job, FileFacts facts, long seenAt, System.Collections.Immutable.ImmutableArray<ExtendedAttribute> attributes, bool racy)
    {
        var chunks = job.TakeChunks();
        var blocks = new FileBlocks { Size = job.Size, Ids = job.Ids, Fingerprints = job.Fingerprints, Chunks = chunks, File = _round.Chunks };
        CountHoles(job, chunks);
        var entry = EntryDescription.Of(job.Key, facts, attributes, seenAt) with { Size = job.Size };
        var row = _rows.Build(racy ? entry with { Racy = true } : entry, blocks);
        job.Ranges.Finish(job.Key.Path, job.Ranged, new ChangedRanges.FileVersion(job.Size, new JournalRow(row).Digest.ToArray()));
        job.Complete(row, blocks);
    }

    /// <summary>Chunks that were data in the round before and are holes now were read by nobody.</summary>
    private void CountHoles(FileJob job, ChunkRef[] chunks)
    {
        if (job.Known is not { IsInline: false } known || job.Reread is not null)
            return;
        var at = 0;
        var ids = new UInt128[BlockMap.ChunkBlocks];
        foreach (var old in known.Chunks)
        {
            while (at < chunks.Length && chunks[at].Number < old.Number)
                at++;
            if ((at < chunks.Length && chunks[at].Number == old.Number) || job.WasRead(old.Number) || old.Number >= BlockMap.ChunksOf(job.Count))
                continue;
            var count = Math.Min(BlockMap.BlocksIn(known.Count, old.Number), BlockMap.BlocksIn(job.Count, old.Number));
            if (!known.TryRead(old.Number, ids.AsSpan(0, BlockMap.BlocksIn(known.Count, old.Number)), default))
                continue;
            for (var block = 0; block < count; block++)
            {
                if (ids[block] == default)
                    continue;
                var number = old.Number * BlockMap.ChunkBlocks + block;
                _round.Counters.Change(Blocks.Length(job.Size, number));
                job.Ranged.Changed(number * Blocks.Size, Blocks.Length(job.Size, number));
            }
        }
    }
}
