using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Index;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Packs;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>
/// Fetches blocks and writes them where they belong. Work is gathered over many files, then done pack by pack, each segment read
/// once; several packs at a time.
/// </summary>
internal sealed class BlockApplier : IDisposable
{
    // A batch: what it remembers stays below 16 MiB, its open files below the usual limit of 1,024.
    private const int MaxItems = 256 * 1024, MaxFiles = 256;
    private readonly Repository _repository;
    private readonly Action<long> _progress;
    private readonly List<(BlockPlace Place, int File, int Block)> _items = [];
    private readonly List<(OpenFile File, TreeEntry Entry)> _files = [];
    private long _written;

    public BlockApplier(Repository repository, Action<long> progress) => (_repository, _progress) = (repository, progress);

    public long BytesWritten => Interlocked.Read(ref _written);

    /// <summary>Makes a file's blocks what the entry says; takes the handle over.</summary>
    /// <param name="file">Open for writing.</param>
    /// <param name="size">Its size now.</param>
    /// <param name="known">The ids of what it holds now.</param>
    /// <param name="entry">What it is to be.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The blocks that are written.</returns>
    public async Task<List<int>> PatchAsync(OpenFile file, long size, BlockMap known, TreeEntry entry, CancellationToken cancellationToken)
    {
        var changed = new List<int>();
        _files.Add((file, entry));
        if (size != entry.Size)
            file.SetLength(entry.Size);
        var holeStart = -1L;
        for (var block = 0; block < entry.Blocks.Count; block++)
        {
            var id = entry.Blocks[block];
            var same = known[block] == id;
            var zero = !same && id == default;
            if (!same)
                changed.Add(block);
            if (zero && holeStart < 0)
                holeStart = (long)block * Blocks.Size;
            if (!zero && holeStart >= 0)
            {
                file.PunchHole(holeStart, (long)block * Blocks.Size - holeStart);
                holeStart = -1;
            }

            if (same || zero)
                continue;
            var place = _repository.Index.Find(id) ?? throw new DamageException(file.Shown, $"block {block} of the snapshot is in no pack that the index knows");
            if (place.Length != Blocks.Length(entry.Size, block))
                throw new DamageException(_repository.Index.Pack(place.Pack).Name, "a block has a wrong length");
            _items.Add((place, _files.Count - 1, block));
            if (_items.Count >= MaxItems)
                await WriteItemsAsync(cancellationToken).ConfigureAwait(false);
        }

        if (holeStart >= 0)
            file.PunchHole(holeStart, entry.Size - holeStart);
        if (_files.Count >= MaxFiles)
            await FlushAsync(cancellationToken).ConfigureAwait(false);
        return changed;
    }

    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        await WriteItemsAsync(cancellationToken).ConfigureAwait(false);
        _files.ForEach(f => f.File.Dispose());
        _files.Clear();
    }

    public void Dispose() => _files.ForEach(f => f.File.Dispose());

    private async Task WriteItemsAsync(CancellationToken cancellationToken)
    {
        var packs = _items.GroupBy(i => i.Place.Pack).Select(g => g.OrderBy(i => i.Place.Segment).ThenBy(i => i.Place.Offset).ToList()).ToList();
        _items.Clear();
        var options = new ParallelOptions { MaxDegreeOfParallelism = Math.Clamp(Environment.ProcessorCount, 1, 4), CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(packs, options, async (items, cancelled) => await WritePackAsync(items, cancelled).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private async Task WritePackAsync(List<(BlockPlace Place, int File, int Block)> items, CancellationToken cancellationToken)
    {
        using var reader = new PackReader(_repository);
        var (segment, content) = (-1, Array.Empty<byte>());
        foreach (var (place, fileNumber, block) in items)
        {
            if (segment != place.Segment)
            {
                content = await reader.ReadSegmentAsync(_repository.Index.Pack(place.Pack), place.Segment, cancellationToken).ConfigureAwait(false);
                segment = place.Segment;
            }

            _files[fileNumber].File.Write(content.AsSpan(place.Offset, place.Length), (long)block * Blocks.Size);
            Interlocked.Add(ref _written, place.Length);
            _progress(place.Length);
        }
    }
}
