using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>What the workers of a round count together, and tell whoever watches now and then.</summary>
internal sealed class RoundCounters(TimeProvider time, IProgress<ActivityProgress>? progress)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private long _listed, _scanned, _gone, _changed, _shipped, _entries, _told, _expectedBytes, _expectedEntries;

    /// <summary>Whether anybody is told how far it is.</summary>
    public bool IsWatched => progress is not null;

    public long Scanned => Interlocked.Read(ref _scanned);

    public long Changed => Interlocked.Read(ref _changed);

    public long Shipped => Interlocked.Read(ref _shipped);

    public void Scan(long bytes)
    {
        _ = Interlocked.Add(ref _scanned, bytes);
        Tell();
    }

    /// <summary>Bytes of files that have been gone through: read, or found to be holes, or what a list of changed ranges does not name.</summary>
    public void GoThrough(long bytes)
    {
        _ = Interlocked.Add(ref _gone, bytes);
        Tell();
    }

    /// <summary>Bytes in the files to read, all of them.</summary>
    public void ExpectBytes(long bytes) => Interlocked.Exchange(ref _expectedBytes, bytes);

    /// <summary>Names in the volumes, about.</summary>
    public void ExpectEntries(long entries) => Interlocked.Exchange(ref _expectedEntries, entries);

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
        if (Interlocked.CompareExchange(ref _told, now, told) != told)
            return;

        // A file is gone through when a part of it is done; meanwhile more of it may have been read.
        var (bytes, entries) = (Math.Max(Interlocked.Read(ref _gone), Scanned), Interlocked.Read(ref _entries));
        progress.Report(new ActivityProgress
        {
            BytesDone = bytes,
            BytesTotal = Expected(ref _expectedBytes, bytes),
            EntriesDone = entries,
            EntriesTotal = Expected(ref _expectedEntries, entries),
            Doing = "reading",
        });
    }

    /// <summary>What turned out to be more than was expected has no known end.</summary>
    private static long? Expected(ref long expected, long done) => Interlocked.Read(ref expected) is var all && all >= done && all > 0 ? all : null;
}
