using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>What the workers of a round count together, and tell whoever watches now and then.</summary>
internal sealed class RoundCounters(TimeProvider time, IProgress<ActivityProgress>? progress)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private long _listed, _scanned, _changed, _shipped, _entries, _told;

    public long Scanned => Interlocked.Read(ref _scanned);

    public long Changed => Interlocked.Read(ref _changed);

    public long Shipped => Interlocked.Read(ref _shipped);

    public void Scan(long bytes)
    {
        _ = Interlocked.Add(ref _scanned, bytes);
        Tell();
    }

    /// <summary>Bytes that lists of changed ranges name, or that no list is known for.</summary>
    public long Listed => Interlocked.Read(ref _listed);

    public void List(long bytes) => Interlocked.Add(ref _listed, bytes);

    public void Change(long bytes) => Interlocked.Add(ref _changed, bytes);

    public void Ship(long bytes) => Interlocked.Add(ref _shipped, bytes);

    public void Pass(long entries)
    {
        _ = Interlocked.Add(ref _entries, entries);
        Tell();
    }

    private void Tell()
    {
        if (progress is null)
            return;
        var (now, told) = (time.GetTimestamp(), Interlocked.Read(ref _told));
        if (told != 0 && time.GetElapsedTime(told, now) < Interval)
            return;
        if (Interlocked.CompareExchange(ref _told, now, told) == told)
            progress.Report(new ActivityProgress { BytesDone = Scanned, EntriesDone = Interlocked.Read(ref _entries), Doing = "reading" });
    }
}
