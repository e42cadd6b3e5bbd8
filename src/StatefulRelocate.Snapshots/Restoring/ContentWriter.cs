using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Packs;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>
/// Gives files their content, several batches at a time. A batch is up to some megabytes of blocks from neighbouring files: which blocks,
/// from where, written, then each file that is complete gets its metadata, is looked at, and read back.
/// </summary>
internal sealed class ContentWriter : IDisposable
{
    /// <summary>
    /// A batch is full at 4 MiB, which make long ranges to read, or at 1 MiB when it patches: the last patches are what a blackout waits for, and small shares keep all threads busy. Or at so
    /// many files.
    /// </summary>
    private const long FullWeight = 4 << 20, FullPatchWeight = 1 << 20;
    private const int FullPieces = 128, MaxThreads = 16;

    /// <summary>Files that the threads have open at once: half of what a process may by default.</summary>
    private const int OpenFiles = 512;

    /// <summary>What a thread may take: a range as it is stored, a segment of the largest kind, and what it reads by.</summary>
    private const long ThreadMemory = SegmentFetcher.MaxRange + SegmentFetcher.HeaderNear + PackTable.MaxSegmentLength + (1 << 20);

    /// <summary>Bytes that one thread reads back before another may take the rest.</summary>
    private const long ReadBackShare = 4 << 20;

    private readonly Repository _repository;
    private readonly MetadataApplier _metadata;
    private readonly RowSequencer _rows;
    private readonly Action<long> _progress;
    private readonly WorkerThreads<ContentBuffers> _threads;
    private readonly SegmentCache _cache;
    private readonly Writeback _writeback;
    private readonly CancellationToken _cancellationToken;
    private readonly int _fullPieces;
    private Batch _batch = new();
    private long _written, _read;

    public ContentWriter(Repository repository, MetadataApplier metadata, RowSequencer rows, Action<long> progress, Action sync, long memory, CancellationToken cancellationToken)
    {
        (_repository, _metadata, _rows, _progress, _cancellationToken) = (repository, metadata, rows, progress, cancellationToken);
        var salts = new PackSalts();
        _cache = new SegmentCache(memory / 4);

        // More than there are cores: the others wait for the store or the disk.
        var count = (int)Math.Clamp(memory * 3 / 4 / ThreadMemory, 2, Math.Clamp(repository.Store.ConcurrentReads, 4, MaxThreads));
        _fullPieces = Math.Min(FullPieces, OpenFiles / count);
        _threads = new WorkerThreads<ContentBuffers>("restore", count, () => new ContentBuffers(repository, salts), cancellationToken);
        _writeback = new Writeback(sync, work => _threads.AddUrgent(_ => work()));
    }

    public long BytesWritten => Interlocked.Read(ref _written);

    public long BytesRead => Interlocked.Read(ref _read);

    /// <summary>Hands in a file that is made, or whose content is unknown.</summary>
    public void Fill(FileJob job)
    {
        var (map, kind) = (job.Entry.Blocks, job.Found is null ? PieceKind.Fill : PieceKind.Compare);
        var (next, rest) = (0L, job.Entry.Size);
        foreach (var (number, _) in map.Stored())
        {
            if (kind == PieceKind.Compare && number > next)
                Add(new Piece(PieceKind.Clear, job, next, number - next), 0);
            var bytes = Math.Min(BlockMap.ChunkLength, job.Entry.Size - number * BlockMap.ChunkLength);
            Add(new Piece(kind, job, number), bytes);
            rest -= bytes;
            next = number + 1;
        }

        if (kind == PieceKind.Compare && next < map.Chunks)
            Add(new Piece(PieceKind.Clear, job, next, map.Chunks - next), 0);
        HandIn(job, rest);
    }

    /// <summary>Hands in a file of which it is known what it holds.</summary>
    public void Patch(FileJob job, BlockMap known)
    {
        var (blocks, rest) = (new List<long>(BlockMap.ChunkBlocks), job.Entry.Size);
        foreach (var block in job.Entry.Blocks.ChangedSince(known))
        {
            blocks.Add(block);
            rest -= Blocks.Size;
            if (blocks.Count == BlockMap.ChunkBlocks)
                AddPatch(job, blocks);
        }

        if (blocks.Count > 0)
            AddPatch(job, blocks);
        HandIn(job, Math.Max(rest, 0));
    }

    /// <summary>Begins what was handed in and does not fill a batch.</summary>
    /// <exception cref="Exception">What any of it failed with.</exception>
    public void Flush()
    {
        _threads.ThrowIfFailed();
        if (_batch.Pieces.Count == 0)
            return;
        var batch = _batch;
        _batch = new Batch();
        _threads.Add(buffers => Process(batch, buffers));
    }

    /// <summary>Waits until all is done.</summary>
    /// <exception cref="Exception">What any of it failed with.</exception>
    public void Finish()
    {
        Flush();
        _threads.Drain();
    }

    public void Dispose() => _threads.Dispose();

    private void AddPatch(FileJob job, List<long> blocks)
    {
        Add(new Piece(PieceKind.Patch, job, Blocks: [.. blocks]), (long)blocks.Count * Blocks.Size);
        blocks.Clear();
    }

    /// <param name="job">The file.</param>
    /// <param name="rest">Bytes of it with which nothing is to be done.</param>
    private void HandIn(FileJob job, long rest)
    {
        Pass(rest);
        // One that has no piece yet still has to be made, and to get its metadata. This piece takes over the hold that the job began with: let go here, after the
        // piece was handed in, it could be the last one, and nobody would complete the file.
        Add(new Piece(PieceKind.None, job), 0);
    }

    private void Add(Piece piece, long weight)
    {
        if (piece.Kind != PieceKind.None)
            piece.Job.Begin();

        // Files of one directory by one thread where that can be: those who make names in it wait for each other.
        if (_batch.Pieces.Count >= _fullPieces / 4 && _batch.Pieces[^1].Job.Directory != piece.Job.Directory)
            Flush();
        _batch.Add(piece, weight);
        if (_batch.Weight >= (piece.Kind == PieceKind.Patch ? FullPatchWeight : FullWeight) || _batch.Pieces.Count >= _fullPieces)
            Flush();
    }

    private void Process(Batch batch, ContentBuffers buffers)
    {
        var read = buffers.Reader.BytesRead;
        foreach (var piece in batch.Pieces)
            Plan(piece, buffers);
        Interlocked.Add(ref _written, buffers.Writes.Apply(_repository.Index, buffers.Fetcher, _cache, _cancellationToken));
        Pass(batch.Weight);
        _writeback.Begin(batch);

        var done = new List<(FileJob Job, FileFacts Facts, bool Substituted)>();
        foreach (var piece in batch.Pieces)
        {
            if (piece.Job.End())
                done.Add(Complete(piece.Job));
        }

        if (done.Count > 0)
            ReadBack(done, buffers);
        Interlocked.Add(ref _read, buffers.Reader.BytesRead - read);
    }

    /// <summary>Finds the blocks that a piece needs; zeros are written at once.</summary>
    private void Plan(Piece piece, ContentBuffers buffers)
    {
        var (job, map) = (piece.Job, piece.Job.Entry.Blocks);
        var file = job.Open();
        switch (piece.Kind)
        {
            case PieceKind.Fill:
                var wanted = map.Chunk(piece.Chunk)!.Ids;
                for (var i = 0; i < wanted.Length; i++)
                {
                    if (wanted[i] != default)
                        buffers.Writes.Need(_repository.Index, job, piece.Chunk * BlockMap.ChunkBlocks + i, wanted[i]);
                }

                job.AddWritten(new WrittenBlocks(piece.Chunk, 1, null));
                break;
            case PieceKind.Compare:
                Compare(piece, file, buffers);
                break;
            case PieceKind.Clear:
                var (start, end) = (piece.Chunk * BlockMap.ChunkLength, Math.Min((piece.Chunk + piece.Chunks) * BlockMap.ChunkLength, job.Entry.Size));
                if (file.NextData(start, job.Entry.Size).Start < end)
                {
                    file.PunchHole(start, end - start);
                    job.AddWritten(new WrittenBlocks(piece.Chunk, piece.Chunks, null));
                }

                break;
            case PieceKind.Patch:
                Write(job, file, piece.Blocks!, buffers);
                break;
        }
    }

    private void Compare(Piece piece, OpenFile file, ContentBuffers buffers)
    {
        var wanted = piece.Job.Entry.Blocks.Chunk(piece.Chunk)!.Ids;
        var ids = buffers.Ids.AsSpan(0, wanted.Length);
        buffers.Reader.ReadChunk(file, piece.Job.Entry.Size, piece.Chunk, ids);
        var differ = new List<long>();
        for (var i = ids.CommonPrefixLength(wanted); i < ids.Length; i++)
        {
            if (ids[i] != wanted[i])
                differ.Add(piece.Chunk * BlockMap.ChunkBlocks + i);
        }

        if (differ.Count > 0)
            Write(piece.Job, file, [.. differ], buffers);
    }

    private void Write(FileJob job, OpenFile file, long[] blocks, ContentBuffers buffers)
    {
        for (var i = 0; i < blocks.Length;)
        {
            var id = job.Entry.Blocks[blocks[i]];
            if (id != default)
            {
                buffers.Writes.Need(_repository.Index, job, blocks[i++], id);
                continue;
            }

            var first = i++;
            while (i < blocks.Length && blocks[i] == blocks[i - 1] + 1 && job.Entry.Blocks[blocks[i]] == default)
                i++;
            var start = blocks[first] * Blocks.Size;
            file.PunchHole(start, Math.Min((blocks[i - 1] + 1) * Blocks.Size, job.Entry.Size) - start);
        }

        job.AddWritten(new WrittenBlocks(0, 0, blocks));
    }

    /// <summary>Nothing more is written to it: its size, if it ends in zeros, and its metadata.</summary>
    private (FileJob Job, FileFacts Facts, bool Substituted) Complete(FileJob job)
    {
        var file = job.Open();
        if (job.Found is null && (job.Entry.Blocks.Count == 0 || job.Entry.Blocks[job.Entry.Blocks.Count - 1] == default))
            file.SetLength(job.Entry.Size);
        var (facts, substituted) = _metadata.Apply(file, job.Entry, made: job.Found is null, bare: job.Found is null && !job.Directory.Inherits);
        if (facts.Size != job.Entry.Size)
            throw new DamageException(file.Shown, "it does not have the size that was just given to it: something else writes here");
        return (job, facts, substituted);
    }

    /// <summary>
    /// Reads back what was written. Not in the same tick of the clock as the last change: what somebody else writes after we have read bears
    /// another time then, and is found by the verification.
    /// </summary>
    private void ReadBack(List<(FileJob Job, FileFacts Facts, bool Substituted)> done, ContentBuffers buffers)
    {
        var later = KernelClock.WaitPast(done.Max(d => d.Facts.Identity.Changed));
        foreach (var (job, facts, substituted) in done)
        {
            var entry = Describe(job, facts, substituted, later);
            if (job.Written.Sum(w => w.Length) > ReadBackShare)
            {
                ShareReadBack(job, entry);
                continue;
            }

            foreach (var written in job.Written)
                ReadBack(job, written, buffers);
            Settle(job, entry);
        }
    }

    private void ShareReadBack(FileJob job, TreeEntry entry)
    {
        // Held until all shares are handed in, so that the last of them settles the file once.
        job.Begin();
        foreach (var written in job.Written)
        {
            job.Begin();
            _threads.AddUrgent(buffers =>
            {
                var read = buffers.Reader.BytesRead;
                ReadBack(job, written, buffers);
                Interlocked.Add(ref _read, buffers.Reader.BytesRead - read);
                if (job.End())
                    Settle(job, entry);
            });
        }

        if (job.End())
            Settle(job, entry);
    }

    private void ReadBack(FileJob job, WrittenBlocks written, ContentBuffers buffers)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        var (file, map) = (job.Open(), job.Entry.Blocks);
        if (written.Blocks is { } blocks)
        {
            var ids = buffers.Ids.AsSpan(0, blocks.Length);
            buffers.Reader.ReadBlocks(file, job.Entry.Size, blocks, ids);
            for (var i = 0; i < blocks.Length; i++)
                Demand(ids[i], map[blocks[i]], file, blocks[i]);
            return;
        }

        for (var number = written.FirstChunk; number < written.FirstChunk + written.Chunks; number++)
        {
            if (map.Chunk(number) is null
                && file.NextData(number * BlockMap.ChunkLength, job.Entry.Size).Start is var data && data >= Math.Min((number + 1) * BlockMap.ChunkLength, job.Entry.Size))
            {
                // Straight to the next data: a hole may be a million chunks long.
                number = Math.Max(number, Math.Min(data / BlockMap.ChunkLength, written.FirstChunk + written.Chunks) - 1);
                continue;
            }

            var ids = buffers.Ids.AsSpan(0, BlockMap.BlocksIn(map.Count, number));
            buffers.Reader.ReadChunk(file, job.Entry.Size, number, ids);
            for (var i = 0; i < ids.Length; i++)
                Demand(ids[i], map.Chunk(number)?.Ids[i] ?? default, file, number * BlockMap.ChunkBlocks + i);
        }
    }

    private static void Demand(UInt128 read, UInt128 wanted, OpenFile file, long block)
    {
        if (read != wanted)
            throw new DamageException(file.Shown, $"the block at byte {block * Blocks.Size} does not read back as it was written");
    }

    /// <summary>What the journal says of it. Where this side differs, its identity says so, and the next round compares.</summary>
    private static TreeEntry Describe(FileJob job, FileFacts facts, bool substituted, bool later)
    {
        var entry = job.Entry;
        var same = later && facts.Mode == entry.Mode && facts.ModifiedSeconds == entry.ModifiedSeconds && facts.ModifiedNanoseconds == entry.ModifiedNanoseconds
            && (substituted || (facts.User == entry.User && facts.Group == entry.Group));
        return entry with { Identity = same ? facts.Identity : default, Substituted = substituted, ActualUser = facts.User, ActualGroup = facts.Group };
    }

    private void Settle(FileJob job, TreeEntry entry)
    {
        job.Dispose();
        job.Directory.Release();
        _rows.Complete(job.Row, entry);
    }

    private void Pass(long bytes)
    {
        if (bytes > 0)
            _progress(bytes);
    }
}
