using System.Security.Cryptography;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Index;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Retention;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>Compares every pack with the index, several at a time, and reads a share of them to the last byte.</summary>
internal sealed class PackCheck
{
    private const int AtOnce = 8;
    private readonly Repository _repository;
    private readonly FoundDamage _damage;
    private readonly double _readPercent;
    private readonly IProgress<ActivityProgress>? _progress;
    private long _read, _done;

    public PackCheck(Repository repository, FoundDamage damage, double readPercent, IProgress<ActivityProgress>? progress)
        => (_repository, _damage, _readPercent, _progress) = (repository, damage, readPercent, progress);

    public long BytesRead => Interlocked.Read(ref _read);

    /// <summary>Index object after index object, so that only one's tables are in memory.</summary>
    public async Task<PackPlaces> RunAsync(CancellationToken cancellationToken)
    {
        var places = new PackPlaces.Builder();
        while (!await TryRunAsync(places, cancellationToken).ConfigureAwait(false))
        {
            // An object went away between list and get: a prune has put another in its place. Packs that were looked at are not looked at again.
        }

        return places.Build();
    }

    private async Task<bool> TryRunAsync(PackPlaces.Builder places, CancellationToken cancellationToken)
    {
        var all = true;
        await foreach (var (name, _, _) in _repository.Store.ListAsync("index/", cancellationToken).ConfigureAwait(false))
        {
            IReadOnlyList<PackTable>? tables = [];
            await _damage.TryAsync(name, async () => tables = await BlockIndex.ReadAsync(_repository, name, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
            all &= tables is not null;
            await Parallel.ForEachAsync(
                (tables ?? []).Where(places.Add).ToList(), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
                async (table, cancelled) => await CheckAsync(table, cancelled).ConfigureAwait(false)).ConfigureAwait(false);
        }

        return all;
    }

    private async Task CheckAsync(PackTable indexed, CancellationToken cancellationToken)
    {
        using var reader = new PackReader(_repository);
        PackTable? table = null;
        var intact = await _damage.TryAsync(indexed.Name, async () =>
        {
            table = await reader.ReadTableAsync(indexed.Name, cancellationToken).ConfigureAwait(false);
            if (table.Size != indexed.Size || table.Segments.Count != indexed.Segments.Count
                || table.Segments.Zip(indexed.Segments).Any(pair => pair.First.Offset != pair.Second.Offset || !pair.First.Ids.AsSpan().SequenceEqual(pair.Second.Ids)))
                throw new DamageException(indexed.Name, "it holds other blocks than the index says");
        }).ConfigureAwait(false);
        if (!intact)
        {
            _damage.AddBlocks(indexed.Segments.SelectMany(s => s.Ids));
            return;
        }

        if (_readPercent < 100 && RandomNumberGenerator.GetInt32(1_000_000) >= _readPercent * 10_000)
            return;
        for (var s = 0; s < table!.Segments.Count; s++)
        {
            var number = s;
            if (!await _damage.TryAsync(indexed.Name, () => SegmentAsync(reader, table, number, cancellationToken)).ConfigureAwait(false))
                _damage.AddBlocks(table.Segments[s].Ids);
        }
    }

    private async Task SegmentAsync(PackReader reader, PackTable table, int number, CancellationToken cancellationToken)
    {
        var segment = table.Segments[number];
        var content = await reader.ReadSegmentAsync(table, number, cancellationToken).ConfigureAwait(false);
        Interlocked.Add(ref _read, segment.StoredLength);
        _progress?.Report(new ActivityProgress { BytesDone = Interlocked.Add(ref _done, segment.StoredLength), Doing = "reading packs" });
        var offset = 0;
        for (var b = 0; b < segment.Ids.Length; b++)
        {
            if (Blocks.Identify(_repository.Keys, content.AsSpan(offset, segment.Lengths[b])) != segment.Ids[b])
                throw new DamageException(table.Name, $"block {b} of segment {number} is not what its id says");
            offset += segment.Lengths[b];
        }
    }
}
