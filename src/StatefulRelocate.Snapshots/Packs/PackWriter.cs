using StatefulRelocate.Snapshots.Memory;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.Snapshots.Streaming;

namespace StatefulRelocate.Snapshots.Packs;

/// <summary>
/// Puts the new blocks of one round into pack objects, several in flight, and makes them known in the index once they are durable. Many
/// workers fill one pack. The packs' buffers come out of the round's memory budget.
/// </summary>
internal sealed class PackWriter : IDisposable
{
    public const int SegmentLength = 256 * 1024, PackLength = 16 * 1024 * 1024;
    public const int TrailerLength = 8;

    /// <summary>As many segments of one worker go side by side at most: a chunk of a file then comes back by one range.</summary>
    public const int MostSegmentsTogether = 16;

    /// <summary>A pack and its table: with so many blocks that is the larger part of a megabyte.</summary>
    public const int BufferLength = PackLength + (1 << 20), MaxBlocks = 32 * 1024;

    /// <summary>Packs whose tables go into one index object; the last one of a round has what is left.</summary>
    private const int PacksInIndexObject = 64, BlocksInIndexObject = 256 * 1024;
    private const int MaxUploads = 4, EagerLength = 2 << 20;
    public static readonly byte[] Magic = "SRP0"u8.ToArray(), EndMagic = "SRPE"u8.ToArray();
    private readonly Repository _repository;
    private readonly MemoryBudget _budget;
    private readonly bool _discard, _eager;
    private readonly IRoundObserver? _observer;
    private readonly Action<long> _shipped;
    private readonly CancellationToken _cancellationToken;
    private readonly SemaphoreSlim _reserving = new(1, 1), _uploading = new(MaxUploads, MaxUploads);
    private readonly Lock _lock = new();
    private readonly Lazy<Task> _index;
    private readonly HashSet<Task> _uploads = [];
    private readonly Stack<Memory<byte>> _buffers = [];
    private readonly HashSet<UInt128> _pending = [];
    private List<PackTable> _tables = [];
    private OpenPack? _pack;
    private int _putting, _blocks;
    private volatile Exception? _failure;

    /// <param name="repository">Where to.</param>
    /// <param name="budget">What buffers are taken from.</param>
    /// <param name="loadIndex">Brings the index up to date for this writer.</param>
    /// <param name="discard">Whether to compress only, to know how much it would be.</param>
    /// <param name="eager">Whether smaller packs are put while nothing else is, so that little is left to put when the reading ends.</param>
    /// <param name="segmentsTogether">How many segments of one worker go side by side into a pack.</param>
    /// <param name="observer">Told of every durable pack; or null.</param>
    /// <param name="shipped">Told of bytes put.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public PackWriter(Repository repository, MemoryBudget budget, Func<Task> loadIndex, bool discard, bool eager, int segmentsTogether, IRoundObserver? observer, Action<long> shipped, CancellationToken cancellationToken)
    {
        SegmentsTogether = segmentsTogether;
        (_repository, _budget, _discard, _eager, _observer, _shipped, _cancellationToken) = (repository, budget, discard, eager, observer, shipped, cancellationToken);
        _index = new Lazy<Task>(() => Task.Run(loadIndex, cancellationToken));
    }

    /// <summary>How many segments of one worker go side by side.</summary>
    public int SegmentsTogether { get; }

    /// <summary>Makes the index what the repository says; to be awaited before the first claim. A round that finds nothing new needs no index.</summary>
    public Task IndexAsync() => _index.Value;

    /// <summary>Whether a block is new, and the caller's to add: neither the repository nor this round has it.</summary>
    public bool Claim(UInt128 id)
    {
        if (id == default || _repository.Index.Contains(id))
            return false;
        lock (_lock)
            return _pending.Add(id);
    }

    /// <summary>
    /// Places in a pack for as many of these segments as fit, side by side, each to be filled and then left; no pack where all is discarded.
    /// </summary>
    public async ValueTask<(OpenPack? Pack, int First, int Count)> ReserveAsync(ReadOnlyMemory<DraftSegment> drafts)
    {
        if (_discard)
        {
            foreach (var draft in drafts.Span)
                _shipped(draft.Length);
            return (null, 0, drafts.Length);
        }

        await _reserving.WaitAsync(_cancellationToken).ConfigureAwait(false);
        try
        {
            if (_failure is { } failed)
                throw new ObjectStoreException(failed.Message, failed);
            if (_pack is not null && !HasRoom(_pack, drafts.Span[0]))
                Close();
            else if (_eager && _pack?.Length >= EagerLength && Volatile.Read(ref _putting) == 0)
                Close();
            _pack ??= new OpenPack(_repository.Keys, await BufferAsync().ConfigureAwait(false));
            var (first, count) = (_pack.Reserve(drafts.Span[0]), 1);
            for (; count < drafts.Length && HasRoom(_pack, drafts.Span[count]); count++)
                _pack.Reserve(drafts.Span[count]);
            return (_pack, first, count);
        }
        finally
        {
            _reserving.Release();
        }
    }

    private static bool HasRoom(OpenPack pack, DraftSegment draft) => pack.Length + draft.Length <= PackLength && pack.BlockCount + draft.Ids.Length <= MaxBlocks;

    /// <summary>A reserved segment is filled.</summary>
    public void Leave(OpenPack pack)
    {
        if (!pack.Leave())
            return;
        _ = Interlocked.Increment(ref _putting);
        lock (_lock)
            _uploads.Add(Task.Run(() => PutAsync(pack), CancellationToken.None));
    }

    /// <summary>Puts what is left, when no worker adds any more; when it returns, all packs are durable and in the index.</summary>
    public async Task FinishAsync()
    {
        Close();
        await DrainAsync().ConfigureAwait(false);
        if (_tables.Count > 0)
            await _repository.Index.PutAsync(_tables, _shipped, _cancellationToken).ConfigureAwait(false);
        _tables = [];
    }

    /// <summary>Waits for every upload begun, whatever becomes of it: their buffers are used until then.</summary>
    public async Task DrainAsync()
    {
        while (true)
        {
            Task[] uploads;
            lock (_lock)
                uploads = [.. _uploads];
            if (uploads.Length == 0)
                return;
            await Task.WhenAll(uploads).ConfigureAwait(false);
            lock (_lock)
                _uploads.ExceptWith(uploads);
        }
    }

    public void Dispose()
    {
        _reserving.Dispose();
        _uploading.Dispose();
    }

    private void Close()
    {
        if (_pack is { } full)
            Leave(full);
        _pack = null;
    }

    private async Task<Memory<byte>> BufferAsync()
    {
        await _budget.TakeAsync(BufferLength, _cancellationToken).ConfigureAwait(false);
        lock (_lock)
        {
            if (_buffers.TryPop(out var used))
                return used;
        }

        return AlignedMemory.Allocate(BufferLength);
    }

    private async Task PutAsync(OpenPack pack)
    {
        try
        {
            await _uploading.WaitAsync(_cancellationToken).ConfigureAwait(false);
            try
            {
                var table = pack.Seal();
                _shipped(pack.Length);
                if (await _repository.Store.PutAsync(pack.Name, pack.Buffer[..pack.Length], PutCondition.IfAbsent, _cancellationToken).ConfigureAwait(false) is null)
                    throw new ObjectStoreException($"{_repository.Store.Description}: an object {pack.Name} of another origin is there already");
                _observer?.PackDurable(table);
                await KnownAsync(table).ConfigureAwait(false);
            }
            finally
            {
                _uploading.Release();
            }
        }
        catch (Exception error)
        {
            _failure ??= error;
            throw;
        }
        finally
        {
            _ = Interlocked.Decrement(ref _putting);
            lock (_lock)
                _buffers.Push(pack.Buffer);
            _budget.Release(BufferLength);
        }
    }

    /// <summary>Gathers tables of durable packs, and puts an index object when there are many: a round that is interrupted is then not for nothing.</summary>
    private async Task KnownAsync(PackTable table)
    {
        List<PackTable>? full = null;
        lock (_lock)
        {
            _tables.Add(table);
            _blocks += table.Segments.Sum(s => s.Ids.Length);
            if (_tables.Count >= PacksInIndexObject || _blocks >= BlocksInIndexObject)
                (full, _tables, _blocks) = (_tables, [], 0);
        }

        if (full is null)
            return;
        await _repository.Index.PutAsync(full, _shipped, _cancellationToken).ConfigureAwait(false);

        // From here on the index answers for these blocks. Those that are still on their way stay claimed.
        lock (_lock)
        {
            foreach (var id in full.SelectMany(t => t.Segments).SelectMany(s => s.Ids))
                _pending.Remove(id);
            if (_pending.Count < _pending.Capacity / 4)
                _pending.TrimExcess();
        }
    }
}
