using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.Requests;

/// <summary>Reads objects and ranges of them; large ones by ranges side by side.</summary>
internal sealed class Downloads(IRangeSource source, string store)
{
    private const int RangeSize = 8 << 20;
    private const int RangesAtOnce = 4;

    /// <summary>Reads a whole object, or null when there is none.</summary>
    public async Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await source.RunAsync("read", name, RangeSize, token => source.FirstAsync(name, RangeSize, token), cancellationToken).ConfigureAwait(false) is not { } first)
                return null;
            if (first.Content.Length == first.Total)
                return new StoredObject(first.Content, first.Version);
            var content = new byte[first.Total];
            first.Content.CopyTo(content, 0);
            var after = content.AsMemory(first.Content.Length);
            if (await RangesAsync(name, first.Content.Length, after, first.Version, cancellationToken).ConfigureAwait(false) == RangeRead.Done)
                return new StoredObject(content, first.Version);
            // It was replaced meanwhile: parts of two versions are no object.
        }
    }

    /// <summary>Reads a range of an object.</summary>
    /// <exception cref="ObjectStoreException">The object is not there or ends before, or the store failed.</exception>
    public async Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (destination.Length == 0)
            return;
        var read = await RangesAsync(name, offset, destination, version: null, cancellationToken).ConfigureAwait(false);
        if (read != RangeRead.Done)
            throw new ObjectStoreException($"{store}: '{name}' {(read == RangeRead.Missing ? "is not there" : $"ends before the range {offset}+{destination.Length}: it is truncated")}") { ObjectAtFault = true };
    }

    private async Task<RangeRead> RangesAsync(string name, long offset, Memory<byte> destination, string? version, CancellationToken cancellationToken)
    {
        if (destination.Length <= RangeSize + (RangeSize / 2))
            return await RangeAsync(offset, destination, cancellationToken).ConfigureAwait(false);
        var outcome = RangeRead.Done;
        var limits = new ParallelOptions { MaxDegreeOfParallelism = RangesAtOnce, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, (destination.Length + RangeSize - 1) / RangeSize, limits, async (index, token) =>
        {
            var start = index * RangeSize;
            var read = await RangeAsync(offset + start, destination.Slice(start, Math.Min(RangeSize, destination.Length - start)), token).ConfigureAwait(false);
            if (read != RangeRead.Done)
                outcome = read;
        }).ConfigureAwait(false);
        return outcome;

        Task<RangeRead> RangeAsync(long start, Memory<byte> part, CancellationToken cancellation)
            => source.RunAsync("read", name, part.Length, token => source.RangeAsync(name, start, part, version, token), cancellation);
    }
}
