using StatefulRelocate.Snapshots.Chunks;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>
/// Lets what was written go to the disk while the rest is still being decoded and read back: large files by their ranges, small ones, of which that would cost more than it spares, by a
/// sync of everything now and then. The one at the end finds little left to do. A sync cannot be cut short: whoever cancels waits for the one that is under way.
/// </summary>
internal sealed class Writeback
{
    /// <summary>Files above that go by their ranges.</summary>
    private const long LargeFile = 4 << 20;

    /// <summary>Bytes of small files after which a sync begins.</summary>
    private const long SyncShare = 64 << 20;

    private readonly Action _sync;
    private readonly Action<Action> _beside;
    private long _unsynced;
    private int _syncing;

    /// <param name="sync">Syncs the file systems of the target.</param>
    /// <param name="beside">Runs something beside the rest.</param>
    public Writeback(Action sync, Action<Action> beside) => (_sync, _beside) = (sync, beside);

    /// <summary>Begins with what a batch has written; from several threads.</summary>
    public void Begin(Batch batch)
    {
        var small = 0L;
        for (var i = 0; i < batch.Pieces.Count;)
        {
            var job = batch.Pieces[i].Job;
            var (start, end, filled) = (long.MaxValue, 0L, 0L);
            for (; i < batch.Pieces.Count && batch.Pieces[i].Job == job; i++)
            {
                var piece = batch.Pieces[i];
                var (from, to) = Written(piece);
                if (to > from)
                    (start, end) = (Math.Min(start, from), Math.Max(end, to));
                if (piece.Kind == PieceKind.Fill)
                    filled += to - from;
            }

            if (job.Entry.Size <= LargeFile)
                small += filled;
            else if (end > start)
                job.Open().BeginWriteback(start, end - start);
        }

        if (Interlocked.Add(ref _unsynced, small) < SyncShare || Interlocked.Exchange(ref _syncing, 1) != 0)
            return;
        Interlocked.Exchange(ref _unsynced, 0);
        _beside(() =>
        {
            _sync();
            Interlocked.Exchange(ref _syncing, 0);
        });
    }

    private static (long From, long To) Written(Piece piece) => piece switch
    {
        { Kind: PieceKind.Fill } => (piece.Chunk * BlockMap.ChunkLength, Math.Min((piece.Chunk + 1) * BlockMap.ChunkLength, piece.Job.Entry.Size)),
        { Kind: PieceKind.Patch, Blocks: { } blocks } => (blocks[0] * Blocks.Size, (blocks[^1] + 1) * Blocks.Size),
        _ => default,
    };
}
