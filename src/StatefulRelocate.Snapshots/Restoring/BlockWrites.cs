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
    public static long Apply(this List<BlockWrite> writes, BlockIndex index, SegmentFetcher fetcher, CancellationToken cancellationToken)
    {
        long written = 0;
        writes.Sort(static (a, b) => a.Place.Pack != b.Place.Pack ? a.Place.Pack.CompareTo(b.Place.Pack)
            : a.Place.Segment != b.Place.Segment ? a.Place.Segment.CompareTo(b.Place.Segment)
            : a.Place.Offset.CompareTo(b.Place.Offset));
        var segments = new List<int>();
        for (var start = 0; start < writes.Count;)
        {
            var pack = writes[start].Place.Pack;
            segments.Clear();
            var end = start;
            for (; end < writes.Count && writes[end].Place.Pack == pack; end++)
            {
                if (segments.Count == 0 || segments[^1] != writes[end].Place.Segment)
                    segments.Add(writes[end].Place.Segment);
            }

            var next = start;
            fetcher.Fetch(index.Pack(pack), System.Runtime.InteropServices.CollectionsMarshal.AsSpan(segments), (number, content) =>
            {
                var first = next;
                while (next < end && writes[next].Place.Segment == number)
                    next++;
                written += Write(writes, first, next, content);
            }, cancellationToken);
            start = end;
        }

        writes.Clear();
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
}
