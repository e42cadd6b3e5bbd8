using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Streaming;

/// <summary>
/// Puts what a round has done so far below <c>streams/</c>, in the background. Never waits for the store and never fails a round: when
/// the store is slower than the round, runs are dropped, and the target takes them from the sealed tree.
/// </summary>
internal sealed class RoundAnnouncer : IRoundObserver, IAsyncDisposable
{
    /// <summary>Ids that wait for being put, and ids in one object: 1 MiB each object.</summary>
    private const int MaxPending = 512 * 1024, MaxIds = 64 * 1024;
    private readonly Repository _repository;
    private readonly string _snapshotId;
    private readonly CancellationTokenSource _ending;
    private readonly SemaphoreSlim _something = new(0);
    private readonly Lock _lock = new();
    private readonly Task _putting;
    private List<PackTable> _packs = [];
    private List<FileRun> _runs = [];
    private int _pending;
    private bool _ended;

    private RoundAnnouncer(Repository repository, string snapshotId, string? parent, CancellationToken cancellationToken)
    {
        (_repository, _snapshotId) = (repository, snapshotId);
        _ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _putting = Task.Run(() => PutAllAsync(parent), CancellationToken.None);
    }

    /// <summary>Begins to announce a round.</summary>
    /// <param name="repository">Where to.</param>
    /// <param name="snapshotId">The round's snapshot.</param>
    /// <param name="parent">The snapshot of the round before, whose announcements are removed; or null.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static RoundAnnouncer Start(Repository repository, string snapshotId, string? parent, CancellationToken cancellationToken)
        => new(repository, snapshotId, parent, cancellationToken);

    public void PackDurable(PackTable table)
    {
        lock (_lock)
        {
            if (_ended)
                return;
            _packs.Add(table);
        }

        Wake();
    }

    public void BlocksRead(int volume, string path, long size, long firstBlock, ReadOnlySpan<UInt128> ids)
    {
        var full = false;
        while (ids.Length > 0)
        {
            var part = ids[..Math.Min(ids.Length, MaxIds)];
            lock (_lock)
            {
                if (_pending + part.Length > MaxPending)
                    return;
                _pending += part.Length;
                full |= _pending >= MaxIds;
                _runs.Add(new FileRun(new EntryKey(volume, path), size, firstBlock, part.ToArray()));
            }

            firstBlock += part.Length;
            ids = ids[part.Length..];
        }

        if (full)
            Wake();
    }

    /// <summary>Stops. What is not announced yet stays so: the round is sealed, or has failed.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
            _ended = true;
        await _ending.CancelAsync().ConfigureAwait(false);
        await _putting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ending.Dispose();
        _something.Dispose();
    }

    private void Wake()
    {
        lock (_lock)
        {
            if (!_ended && _something.CurrentCount == 0)
                _something.Release();
        }
    }

    private async Task PutAllAsync(string? parent)
    {
        try
        {
            // First those of an attempt at the same round that ended in the middle: they would be taken for this one's.
            await RemoveAsync(_snapshotId).ConfigureAwait(false);
            if (parent is not null)
                await RemoveAsync(parent).ConfigureAwait(false);
            for (var number = 0; number < 1_000_000;)
            {
                await _something.WaitAsync(_ending.Token).ConfigureAwait(false);
                while (Take() is { } next)
                {
                    var name = Announcement.Name(_snapshotId, number++);
                    await _repository.Store.PutAsync(name, next.Seal(_repository.Keys, name), PutCondition.Always, _ending.Token).ConfigureAwait(false);
                }
            }
        }
        catch (Exception error) when (error is ObjectStoreException or RelocateException or OperationCanceledException)
        {
            // A target that hears nothing waits for the manifest.
        }

        lock (_lock)
            (_ended, _packs, _runs, _pending) = (true, [], [], MaxPending);
    }

    private Announcement? Take()
    {
        lock (_lock)
        {
            if (_packs.Count == 0 && _runs.Count == 0)
                return null;
            var (count, ids) = (0, 0);
            while (count < _runs.Count && (count == 0 || ids + _runs[count].Ids.Length <= MaxIds))
                ids += _runs[count++].Ids.Length;
            var announcement = new Announcement(_packs, _runs.GetRange(0, count));
            _packs = [];
            _runs.RemoveRange(0, count);
            _pending -= ids;
            return announcement;
        }
    }

    private async Task RemoveAsync(string snapshotId)
    {
        var names = new List<string>();
        await foreach (var (name, _, _) in _repository.Store.ListAsync(Announcement.Prefix(snapshotId), _ending.Token).ConfigureAwait(false))
            names.Add(name);
        await _repository.Store.DeleteManyAsync(names, _ending.Token).ConfigureAwait(false);
    }
}
