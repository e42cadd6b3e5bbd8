using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>How one file is read in one round.</summary>
internal sealed class RangedFile : IDisposable
{
    private readonly OpenFile? _own;
    private readonly IReadOnlyList<ByteRange>? _listed;
    private long _missed = -1;

    /// <param name="file">The file as it was opened, which stays the caller's.</param>
    /// <param name="clone">A copy of it at one instant, or null.</param>
    /// <param name="listed">What may have changed, in order and apart; null when unknown.</param>
    /// <param name="audit">Whether everything is read and the list only checked.</param>
    public RangedFile(OpenFile file, OpenFile? clone, IReadOnlyList<ByteRange>? listed, bool audit)
    {
        (_own, _listed) = (clone, listed);
        Content = clone ?? file;
        ToRead = audit ? null : listed;
    }

    /// <summary>What to read from: the file, or a copy of it that does not change.</summary>
    public OpenFile Content { get; }

    /// <summary>Whether <see cref="Content"/> cannot change while it is read. Its size may then differ from the file's.</summary>
    public bool Stable => _own is not null;

    /// <summary>The ranges to read, in order, apart, and in whole blocks (the last one ends with the file); everything else is as in the round before. Null: read all.</summary>
    public IReadOnlyList<ByteRange>? ToRead { get; }

    /// <summary>Bytes that may have changed, whether they alone are read or not; null when unknown.</summary>
    public long? Listed => _listed?.Sum(range => range.Length);

    /// <summary>The first changed byte that the list did not name; -1 when there is none.</summary>
    public long Missed => Interlocked.Read(ref _missed);

    /// <summary>To be told of every block that differs from the round before; checks the list where there is one.</summary>
    public void Changed(long offset, long length)
    {
        if (_listed is not null && !Covers(_listed, offset, length))
            _ = Interlocked.CompareExchange(ref _missed, offset, -1);
    }

    public void Dispose()
    {
        // Nobody reads a copy again, and its pages are not the file's own: they would push the app's out of the cache.
        if (_own is { IsOpen: true })
            _own.DropCache();
        _own?.Dispose();
    }

    private static bool Covers(IReadOnlyList<ByteRange> ranges, long offset, long length)
    {
        int low = 0, high = ranges.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (ranges[middle].End <= offset)
                low = middle + 1;
            else if (ranges[middle].Offset > offset)
                high = middle - 1;
            else
                return ranges[middle].End >= offset + length;
        }

        return false;
    }
}
