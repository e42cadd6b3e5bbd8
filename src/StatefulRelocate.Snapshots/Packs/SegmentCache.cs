namespace StatefulRelocate.Snapshots.Packs;

/// <summary>
/// Segments that several batches need parts of: a segment of many small files, or of changes all over a large one, is fetched once.
/// Whoever asks first fetches it, everybody else waits for that; it is forgotten when nothing of it is left to be asked for, or
/// something newer needs the room.
/// </summary>
internal sealed class SegmentCache
{
    private readonly Dictionary<(int Pack, int Segment), CachedSegment> _segments = [];
    private readonly Queue<CachedSegment> _ages = [];
    private readonly object _lock = new();
    private readonly long _capacity;
    private long _bytes;

    /// <param name="capacity">Bytes that may be kept while nobody uses them.</param>
    public SegmentCache(long capacity) => _capacity = capacity;

    /// <summary>Asks for a segment; to be given back by <see cref="Release"/>.</summary>
    /// <param name="pack">The pack's number.</param>
    /// <param name="number">The segment's.</param>
    /// <param name="length">Of its blocks together.</param>
    /// <param name="used">How much of that the caller needs.</param>
    /// <returns>The segment, and whether the caller is the one to fetch it.</returns>
    public (CachedSegment Segment, bool IsMine) Take(int pack, int number, int length, int used)
    {
        lock (_lock)
        {
            if (_segments.TryGetValue((pack, number), out var segment))
            {
                segment.Users++;
                segment.Left -= used;
                return (segment, false);
            }

            segment = new CachedSegment(pack, number, length - used) { Users = 1 };
            _segments.Add((pack, number), segment);
            return (segment, true);
        }
    }

    /// <summary>What the caller fetched; kept where somebody may still ask for it.</summary>
    public void Put(CachedSegment segment, ReadOnlySpan<byte> content)
    {
        lock (_lock)
        {
            if (segment.Left > 0 || segment.Users > 1)
            {
                segment.Content = content.ToArray();
                _bytes += content.Length;
                _ages.Enqueue(segment);
            }

            segment.IsDone = true;
            while (_bytes > _capacity && _ages.TryDequeue(out var old))
                Forget(old);
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>The content that another fetches; null when it failed to, or had no need to keep it.</summary>
    public byte[]? Wait(CachedSegment segment)
    {
        lock (_lock)
        {
            while (!segment.IsDone)
                Monitor.Wait(_lock);
            return segment.Content;
        }
    }

    public void Release(CachedSegment segment)
    {
        lock (_lock)
        {
            if (!segment.IsDone)
            {
                // The one that was to fetch it failed: whoever waits tries by himself, and fails with the true reason.
                segment.IsDone = true;
                Monitor.PulseAll(_lock);
            }

            segment.Users--;
            if (segment.Users == 0 && (segment.Left <= 0 || segment.Content is null))
                Forget(segment);
        }
    }

    private void Forget(CachedSegment segment)
    {
        if (_segments.TryGetValue((segment.Pack, segment.Number), out var known) && ReferenceEquals(known, segment))
            _segments.Remove((segment.Pack, segment.Number));
        if (segment.Content is null || segment.IsForgotten)
            return;

        // Who holds it keeps the array; it only counts no more.
        segment.IsForgotten = true;
        _bytes -= segment.Content.Length;
    }
}

/// <summary>A segment in a <see cref="SegmentCache"/>; all but its content is the cache's.</summary>
internal sealed class CachedSegment(int pack, int number, int left)
{
    public int Pack { get; } = pack;

    public int Number { get; } = number;

    /// <summary>Bytes that nobody asked for yet.</summary>
    public int Left { get; set; } = left;

    public int Users { get; set; }

    public bool IsDone { get; set; }

    public bool IsForgotten { get; set; }

    public byte[]? Content { get; set; }
}
