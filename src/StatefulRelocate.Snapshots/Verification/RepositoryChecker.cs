using System.Collections.Immutable;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Index;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>What a check found.</summary>
/// <param name="Problems">One line each, with the object's name; empty when all is well.</param>
/// <param name="Snapshots">Snapshots that were checked.</param>
/// <param name="Packs">Packs that the index knows.</param>
/// <param name="UnusedPacks">Packs that no index names, left by an interrupted snapshot; harmless.</param>
/// <param name="BytesRead">Bytes of packs that were read and authenticated.</param>
public sealed record RepositoryChecked(ImmutableArray<string> Problems, int Snapshots, int Packs, int UnusedPacks, long BytesRead)
{
    /// <summary>Both together.</summary>
    public static RepositoryChecked operator +(RepositoryChecked left, RepositoryChecked right) => new(
        [.. left.Problems, .. right.Problems], left.Snapshots + right.Snapshots, left.Packs + right.Packs, left.UnusedPacks + right.UnusedPacks, left.BytesRead + right.BytesRead);

    /// <summary>Both together.</summary>
    public static RepositoryChecked Add(RepositoryChecked left, RepositoryChecked right) => left + right;
}

/// <summary>Checks that every listed snapshot can be restored.</summary>
public sealed class RepositoryChecker
{
    private readonly Repository _repository;
    private readonly List<string> _problems = [];
    private readonly HashSet<UInt128> _blocks = [];
    private long _read;

    /// <summary>Makes one, for one check.</summary>
    public RepositoryChecker(Repository repository) => _repository = repository;

    /// <summary>Checks the index, every pack's table, every snapshot's tree and root hash; and, if asked, every byte of every pack.</summary>
    /// <exception cref="ObjectStoreException">The store could not be reached.</exception>
    public async Task<RepositoryChecked> CheckAsync(bool readData, CancellationToken cancellationToken)
    {
        var packs = await IndexAsync(cancellationToken).ConfigureAwait(false);
        foreach (var pack in packs.Values)
            await TryAsync(() => PackAsync(pack, readData, cancellationToken)).ConfigureAwait(false);
        var unused = 0;
        await foreach (var pack in _repository.Store.ListAsync("packs/", cancellationToken).ConfigureAwait(false))
            unused += packs.ContainsKey(pack.Name) ? 0 : 1;
        var snapshots = 0;
        await foreach (var (name, _, _) in _repository.Store.ListAsync("snapshots/", cancellationToken).ConfigureAwait(false))
        {
            snapshots++;
            await TryAsync(() => SnapshotAsync(name, cancellationToken)).ConfigureAwait(false);
        }

        return new RepositoryChecked([.. _problems.Distinct()], snapshots, packs.Count, unused, _read);
    }

    private async Task<SortedDictionary<string, PackTable>> IndexAsync(CancellationToken cancellationToken)
    {
        var packs = new SortedDictionary<string, PackTable>(StringComparer.Ordinal);
        await foreach (var (name, _, _) in _repository.Store.ListAsync("index/", cancellationToken).ConfigureAwait(false))
        {
            await TryAsync(async () =>
            {
                foreach (var table in await BlockIndex.ReadAsync(_repository, name, cancellationToken).ConfigureAwait(false) ?? [])
                    packs[table.Name] = table;
            }).ConfigureAwait(false);
        }

        return packs;
    }

    private async Task PackAsync(PackTable indexed, bool readData, CancellationToken cancellationToken)
    {
        using var reader = new PackReader(_repository);
        var table = await reader.ReadTableAsync(indexed.Name, cancellationToken).ConfigureAwait(false);
        if (table.Size != indexed.Size || table.Segments.Count != indexed.Segments.Count
            || table.Segments.Zip(indexed.Segments).Any(pair => pair.First.Offset != pair.Second.Offset || !pair.First.Ids.AsSpan().SequenceEqual(pair.Second.Ids)))
            throw new DamageException(indexed.Name, "it holds other blocks than the index says");
        for (var s = 0; s < table.Segments.Count; s++)
        {
            foreach (var id in table.Segments[s].Ids)
                _blocks.Add(id);
            if (readData)
                await SegmentAsync(reader, table, s, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task SegmentAsync(PackReader reader, PackTable table, int number, CancellationToken cancellationToken)
    {
        var segment = table.Segments[number];
        var content = await reader.ReadSegmentAsync(table, number, cancellationToken).ConfigureAwait(false);
        _read += segment.StoredLength;
        var offset = 0;
        for (var b = 0; b < segment.Ids.Length; b++)
        {
            if (Blocks.Identify(_repository.Keys, content.AsSpan(offset, segment.Lengths[b])) != segment.Ids[b])
                throw new DamageException(table.Name, $"block {b} of segment {number} is not what its id says");
            offset += segment.Lengths[b];
        }
    }

    private async Task SnapshotAsync(string name, CancellationToken cancellationToken)
    {
        if (await _repository.Snapshots.ReadAsync(name["snapshots/".Length..], cancellationToken).ConfigureAwait(false) is not { GivenUp: false } manifest)
            return;
        foreach (var entry in (await LayerReader.ReadAllAsync(_repository, manifest, cancellationToken).ConfigureAwait(false)).Values)
        {
            var missing = entry.Blocks.Stored().Sum(chunk => chunk.Chunk.Ids.Count(id => id != default && !_blocks.Contains(id)));
            if (missing > 0)
                _problems.Add($"{name}: damaged: {missing} blocks of '{PathText.Show(entry.Path)}' are in no intact pack");
        }
    }

    private async Task TryAsync(Func<Task> check)
    {
        try
        {
            await check().ConfigureAwait(false);
        }
        catch (Core.Errors.RelocateException damage)
        {
            _problems.Add(damage.Message);
        }
        catch (ObjectStoreException unreadable) when (unreadable.ObjectAtFault)
        {
            // The store answers, but an object is shorter than its table says.
            _problems.Add(unreadable.Message);
        }
    }
}
