using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Index;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Packs;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>A block that goes into a file, and where it is found.</summary>
internal readonly record struct BlockWrite(BlockPlace Place, FileJob Job, long Block);

/// <summary>Fetches blocks pack by pack, each segment once, and writes them; neighbours in both the segment and the file by one call.</summary>
internal static class BlockWrites
{
    /// <summary>Adds a block that a file needs.</summary>
    /// <exception cref="DamageException">The block is in no pack.</exception>
    public static void Need(this List<BlockWrite> writes, BlockIndex index, FileJob job, long block, UInt128 id)
    {
        var place = index.Find(id)
            ?? throw new DamageException(job.Directory.Handle.Show(job.Name), $"block {block} of the snapshot is in no pack that the index knows");
        if (place.Length != Blocks.Length(job.Entry.Size, block))
            throw new DamageException(index.Pack(place.Pack).Name, "a block has a wrong length");
        writes.Add(new BlockWrite(place, job, block));
    }

    /// <summary>Writes them all and forgets them; the bytes written.</summary>
    public static long Apply(this List<BlockWrite> writes, BlockIndex index, SegmentFetcher fetcher, SegmentCache cache, CancellationToken cancellationToken)
    {
        long written = 0;
        writes.Sort(static (a, b) => a.Place.Pack != b.Place.Pack ? a.Place.Pack.CompareTo(b.Place.Pack)
            : a.Place.Segment != b.Place.Segment ? a.Place.Segment.CompareTo(b.Place.Segment)
            : a.Place.Offset.CompareTo(b.Place.Offset));
        for (var start = 0; start < writes.Count;)
        {
            var end = start;
            while (end < writes.Count && writes[end].Place.Pack == writes[start].Place.Pack)
                end++;
            written += ApplyPack(writes, start, end, index.Pack(writes[start].Place.Pack), fetcher, cache, cancellationToken);
            start = end;
        }

        writes.Clear();
        return written;
    }

    private static long ApplyPack(List<BlockWrite> writes, int start, int end, PackTable pack, SegmentFetcher fetcher, SegmentCache cache, CancellationToken cancellationToken)
    {
        long written = 0;
        var (own, others) = (new Queue<Share>(), new Queue<Share>());
        try
        {
            for (var first = start; first < end;)
            {
                var (number, last, used) = (writes[first].Place.Segment, first, 0);
                for (; last < end && writes[last].Place.Segment == number; last++)
                    used += writes[last].Place.Length;
                var (segment, mine) = cache.Take(writes[first].Place.Pack, number, pack.Segments[number].PlainLength, used);
                (mine ? own : others).Enqueue(new Share(segment, first, last));
                first = last;
            }

            // First all that is this thread's to fetch, then what others fetch: so nobody waits for somebody who waits. Each is given back at once.
            fetcher.Fetch(pack, [.. own.Select(s => s.Segment.Number)], (_, content) =>
            {
                var (segment, first, last) = own.Peek();
                cache.Put(segment, content);
                written += Write(writes, first, last, content);
                cache.Release(own.Dequeue().Segment);
            }, cancellationToken);
            for (; others.TryPeek(out var share); cache.Release(others.Dequeue().Segment))
            {
                if (cache.Wait(share.Segment) is { IsEmpty: false } known)
                    written += Write(writes, share.First, share.End, known);
                else
                    fetcher.Fetch(pack, [share.Segment.Number], (_, content) => written += Write(writes, share.First, share.End, content), cancellationToken);
            }
        }
        finally
        {
            foreach (var share in own.Concat(others))
                cache.Release(share.Segment);
        }

        return written;
    }

    private static long Write(List<BlockWrite> writes, int start, int end, ReadOnlySpan<byte> content)
    {
        long written = 0;
        for (var i = start; i < end;)
        {
            var (place, job, block) = writes[i];
            var length = place.Length;
            for (i++; i < end && writes[i].Job == job && writes[i].Block == block + (length + Blocks.Size - 1) / Blocks.Size
                && writes[i].Place.Offset == place.Offset + length && length % Blocks.Size == 0; i++)
                length += writes[i].Place.Length;
            job.Open().Write(content.Slice(place.Offset, length), block * Blocks.Size);
            written += length;
        }

        return written;
    }

    /// <summary>The writes that need blocks of one segment.</summary>
    private readonly record struct Share(CachedSegment Segment, int First, int End);
}
