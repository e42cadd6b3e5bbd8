using StatefulRelocate.Snapshots.Packs;

namespace StatefulRelocate.Snapshots.Tests.Segments;

public sealed class SegmentCacheTests
{
    private const int Length = PackWriter.SegmentLength, Capacity = 4 * Length;
    private readonly SegmentCache _cache = new(Capacity);
    private readonly byte[] _content = new byte[Length];

    [Fact]
    public void Segments_that_pass_through_take_no_more_memory_than_may_be_kept()
    {
        Pass(0, 8);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Pass(8, 1000);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Capacity);
    }

    [Fact]
    public void A_segment_that_is_forgotten_stays_whole_for_whoever_still_reads_it()
    {
        _content.AsSpan().Fill(7);
        var (held, _) = _cache.Take(0, 0, Length, 1);
        _cache.Put(held, _content);
        var read = _cache.Wait(held);
        _content.AsSpan().Fill(8);
        Pass(1, 100);
        Assert.False(read.ContainsAnyExcept((byte)7));
        _cache.Release(held);
    }

    [Fact]
    public void Who_comes_while_another_fetches_gets_what_was_fetched()
    {
        var (mine, isMine) = _cache.Take(0, 0, Length, Length / 2);
        var (theirs, isTheirs) = _cache.Take(0, 0, Length, Length / 2);
        Assert.True(isMine);
        Assert.False(isTheirs);
        _content.AsSpan().Fill(9);
        _cache.Put(mine, _content);
        _cache.Release(mine);
        Assert.True(_cache.Wait(theirs).SequenceEqual(_content));
        _cache.Release(theirs);
    }

    [Fact]
    public void Who_waits_for_one_that_failed_is_told_by_nothing()
    {
        var (mine, _) = _cache.Take(0, 0, Length, 1);
        var (theirs, _) = _cache.Take(0, 0, Length, 1);
        _cache.Release(mine);
        Assert.True(_cache.Wait(theirs).IsEmpty);
        _cache.Release(theirs);
    }

    /// <summary>Segments of which somebody may still want a part, so that each is kept until it is the oldest.</summary>
    private void Pass(int first, int count)
    {
        for (var number = first; number < first + count; number++)
        {
            var (segment, _) = _cache.Take(0, number, Length, Length / 2);
            _cache.Put(segment, _content);
            _cache.Release(segment);
        }
    }
}
