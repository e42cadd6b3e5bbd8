using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Streaming;

/// <summary>
/// Follows the announcements of a round that is being taken and writes what they tell to the target, so that little is left when the
/// manifest comes. Whatever they say, the sealed tree decides in the end: what was written ahead is read back and compared with it.
/// </summary>
internal sealed class RoundFollower : IDisposable
{
    /// <summary>Ids of runs whose pack was not announced yet; more are forgotten.</summary>
    private const int MaxUnresolved = 256 * 1024;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);
    private readonly Repository _repository;
    private readonly TimeProvider _time;
    private readonly string _snapshotId;
    private readonly FollowedFiles _files;
    private readonly int _volumes;
    private readonly Action<long> _progress;
    private readonly SegmentFetcher _fetcher;
    private readonly AnnouncedBlocks _blocks = new();
    private List<FileRun> _unresolved = [];

    public RoundFollower(Repository repository, TimeProvider time, string snapshotId, FollowedFiles files, int volumes, Action<long> progress)
    {
        (_repository, _time, _snapshotId, _files, _volumes, _progress) = (repository, time, snapshotId, files, volumes, progress);
        _fetcher = new SegmentFetcher(repository, new PackSalts());
    }

    /// <summary>Bytes written so far.</summary>
    public long BytesWritten { get; private set; }

    /// <summary>Follows until it is cancelled, or finds that it cannot; never fails.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        try
        {
            for (var number = 0; !_files.IsFull;)
            {
                var name = Announcement.Name(_snapshotId, number);
                if (await _repository.Store.GetAsync(name, cancellationToken).ConfigureAwait(false) is not { } stored)
                {
                    await Task.Delay(Poll, _time, cancellationToken).ConfigureAwait(false);
                    continue;
                }

                number++;
                Take(Announcement.Open(_repository.Keys, name, stored.Content), cancellationToken);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectStoreException or RelocateException or SystemCallException or InvalidDataException or Journals.JournalDamageException)
        {
            // The manifest tells everything again.
        }
    }

    public void Dispose() => _fetcher.Dispose();

    private void Take(Announcement announcement, CancellationToken cancellationToken)
    {
        foreach (var pack in announcement.Packs)
            _blocks.Add(pack);
        var runs = _unresolved.Concat(announcement.Runs).Where(r => r.Key.Volume < _volumes).ToList();
        _unresolved = [];
        foreach (var file in runs.GroupBy(r => r.Key).OrderBy(f => f.Key))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!_files.IsFull)
                Write(file.Key, [.. file], cancellationToken);
        }

        var ids = 0;
        _unresolved = [.. _unresolved.TakeWhile(r => (ids += r.Ids.Length) <= MaxUnresolved)];
    }

    private void Write(EntryKey key, List<FileRun> runs, CancellationToken cancellationToken)
    {
        // A file that is read again because it changed meanwhile is announced again: the last word counts.
        var size = runs[^1].Size;
        var wanted = new SortedDictionary<long, UInt128>();
        foreach (var run in runs.Where(r => r.Size == size))
        {
            for (var i = 0; i < run.Ids.Length; i++)
                wanted[run.FirstBlock + i] = run.Ids[i];
        }

        var known = wanted.Where(w => w.Value == default || Find(w.Value) is { } place && place.Length == Blocks.Length(size, w.Key)).ToList();
        if (known.Count < wanted.Count)
            _unresolved.AddRange(runs.Where(r => r.Size == size && r.Ids.Any(id => id != default && Find(id) is null)));
        if (known.Count == 0 || _files.Open(key, size) is not { } file)
            return;
        using (file)
        {
            foreach (var (block, _) in known.Where(w => w.Value == default && !file.Holds(w.Key, default)))
                file.Write(block, default, []);
            var needed = known.Where(w => w.Value != default && !file.Holds(w.Key, w.Value)).Select(w => (Place: Find(w.Value)!.Value, Block: w.Key, Id: w.Value));
            foreach (var pack in needed.GroupBy(n => n.Place.Pack))
                Write(file, pack.Key, [.. pack.GroupBy(n => n.Place.Segment).OrderBy(g => g.Key)], cancellationToken);
        }
    }

    private void Write(
        FollowedHandle file, PackTable pack, List<IGrouping<int, ((PackTable Pack, int Segment, int Offset, int Length) Place, long Block, UInt128 Id)>> segments, CancellationToken cancellationToken)
    {
        var next = 0;
        _fetcher.Fetch(pack, segments.Select(s => s.Key).ToArray(), (_, content) =>
        {
            foreach (var (place, block, id) in segments[next])
            {
                file.Write(block, id, content.Slice(place.Offset, place.Length));
                BytesWritten += place.Length;
                _progress(place.Length);
            }

            next++;
        }, cancellationToken);
    }

    /// <summary>Where a block is: in a pack announced just now, or in one that the index knew when this began.</summary>
    private (PackTable Pack, int Segment, int Offset, int Length)? Find(UInt128 id)
        => _blocks.Find(id) ?? (_repository.Index.Find(id) is { } place ? (_repository.Index.Pack(place.Pack), place.Segment, place.Offset, place.Length) : null);
}
