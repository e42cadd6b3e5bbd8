namespace StatefulRelocate.Snapshots.Packs;

/// <summary>
/// Segments that several batches need parts of: a segment of many small files, or of changes all over a large one, is fetched once.
/// Whoever asks first fetches it, everybody else waits for that; it is forgotten when nothing of it is left to be asked for, or
/// something newer needs the room. The buffers are used again: as garbage they took 400 MiB of a restore of 40,000 small files.
/// </summary>
internal sealed class SegmentCache
{
    private readonly Dictionary<(int Pack, int Segment), CachedSegment> _segments = [];
    private readonly Queue<CachedSegment> _ages = [];
    private readonly Stack<byte[]> _spare = [];
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
            // A rest of some blocks mostly holds older versions, which nobody asks for. Whoever does so all the same fetches the segment again.
            if (segment.Left > content.Length / 8 || segment.Users > 1)
            {
                segment.Hold(_spare.TryPop(out var spare) && spare.Length >= content.Length ? spare : new byte[Math.Max(content.Length, PackWriter.SegmentLength)], content);
                _bytes += content.Length;
                _ages.Enqueue(segment);
            }

            segment.IsDone = true;
            while (_ages.TryPeek(out var old) && (old.IsForgotten || _bytes > _capacity))
                Forget(_ages.Dequeue());
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>The content that another fetches, valid until the segment is given back; empty when it failed to, or had no need to keep it.</summary>
    public ReadOnlySpan<byte> Wait(CachedSegment segment)
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
            if (segment.Users == 0 && (segment.Left <= 0 || segment.Content.IsEmpty))
                Forget(segment);
            Recycle(segment);
        }
    }

    private void Forget(CachedSegment segment)
    {
        if (_segments.TryGetValue((segment.Pack, segment.Number), out var known) && ReferenceEquals(known, segment))
            _segments.Remove((segment.Pack, segment.Number));
        if (segment.Content.IsEmpty || segment.IsForgotten)
            return;

        // Who holds it still reads it; it only counts no more.
        segment.IsForgotten = true;
        _bytes -= segment.Content.Length;
        Recycle(segment);
    }

    private void Recycle(CachedSegment segment)
    {
        if (segment is { IsForgotten: true, Users: 0 } && segment.GiveUp() is { } buffer)
            _spare.Push(buffer);
    }
}

/// <summary>A segment in a <see cref="SegmentCache"/>; all but its content is the cache's.</summary>
internal sealed class CachedSegment(int pack, int number, int left)
{
    private byte[]? _buffer;
    private int _length;

    public int Pack { get; } = pack;

    public int Number { get; } = number;

    /// <summary>Bytes that nobody asked for yet.</summary>
    public int Left { get; set; } = left;

    public int Users { get; set; }

    public bool IsDone { get; set; }

    public bool IsForgotten { get; set; }

    /// <summary>Its blocks; empty while nobody has fetched it, or where it is not kept.</summary>
    public ReadOnlySpan<byte> Content => _buffer.AsSpan(0, _length);

    public void Hold(byte[] buffer, ReadOnlySpan<byte> content)
    {
        content.CopyTo(buffer);
        (_buffer, _length) = (buffer, content.Length);
    }

    /// <summary>Its buffer, which it has no more; null where it has none.</summary>
    public byte[]? GiveUp()
    {
        var buffer = _buffer;
        (_buffer, _length) = (null, 0);
        return buffer;
    }
}
