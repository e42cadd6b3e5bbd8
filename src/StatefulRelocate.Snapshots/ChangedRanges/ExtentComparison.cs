using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>
/// Compares where two files that share extents lie. Neither may change meanwhile. As long as the older one exists, its extents are written by nobody and given to
/// nobody else, so an equal address is equal content, whichever file bears the name now. Anything else counts as changed.
/// </summary>
internal static class ExtentComparison
{
    /// <summary>More ranges than these are not worth a list: reading all costs less.</summary>
    private const int MaxRanges = 1 << 20;

    /// <summary>The bytes of <paramref name="now"/> that may differ from <paramref name="before"/>, in whole blocks; null when that cannot be told.</summary>
    public static List<ByteRange>? Compare(OpenFile before, long sizeBefore, OpenFile now, long size)
    {
        var changes = new RangeList(size);
        var (left, right) = (new ExtentReader(before), new ExtentReader(now));
        var (hasLeft, hasRight) = (left.Next(), right.Next());
        long position = 0, end = Math.Min(sizeBefore, size);
        while (position < end)
        {
            while (hasLeft && End(left.Current) <= position)
                hasLeft = left.Next();
            while (hasRight && End(right.Current) <= position)
                hasRight = right.Next();
            var (insideLeft, untilLeft) = At(hasLeft, left, position, end);
            var (insideRight, untilRight) = At(hasRight, right, position, end);
            var until = Math.Min(untilLeft, untilRight);
            var same = (insideLeft, insideRight) switch
            {
                (false, false) => true,
                (true, true) => left.Current.IsPlain && right.Current.IsPlain && Address(left.Current, position) == Address(right.Current, position),
                _ => false,
            };
            if (!same)
                changes.Add(position, until);
            if (changes.Count > MaxRanges)
                return null;
            position = until;
        }

        // The block that held the end of the shorter one, and all behind it.
        if (size != sizeBefore)
            changes.Add(end, size);

        // btrfs itself moves extents (a balance), and an address could then belong to another meanwhile. What stood before and after stood throughout.
        return !Ioctl.IsBtrfs(now) || right.HashAll() == new ExtentReader(now).HashAll() ? changes.ToList() : null;
    }

    private static (bool Inside, long Until) At(bool has, ExtentReader reader, long position, long end)
    {
        if (!has)
            return (false, end);
        var start = (long)reader.Current.Logical;
        return start > position ? (false, Math.Min(start, end)) : (true, Math.Min(End(reader.Current), end));
    }

    private static long End(in RawExtent extent) => (long)(extent.Logical + extent.Length);

    private static ulong Address(in RawExtent extent, long position) => extent.Physical + ((ulong)position - extent.Logical);

    /// <summary>Ranges rounded out to blocks and joined where they touch.</summary>
    private sealed class RangeList(long size)
    {
        private readonly List<ByteRange> _ranges = [];

        public int Count => _ranges.Count;

        public void Add(long from, long to)
        {
            from -= from % Blocks.Size;
            to = Math.Min(size, (to + Blocks.Size - 1) / Blocks.Size * Blocks.Size);
            if (to <= from)
                return;
            if (_ranges.Count > 0 && _ranges[^1].End >= from)
                _ranges[^1] = _ranges[^1] with { Length = Math.Max(to, _ranges[^1].End) - _ranges[^1].Offset };
            else
                _ranges.Add(new ByteRange(from, to - from));
        }

        public List<ByteRange> ToList() => _ranges;
    }
}
