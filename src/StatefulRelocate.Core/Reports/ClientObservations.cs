using System.Collections.Immutable;

namespace StatefulRelocate.Core.Reports;

/// <summary>A write that the app acknowledged to a client.</summary>
/// <param name="Cluster">The cluster that acknowledged it, by its own word.</param>
/// <param name="At">When the acknowledgement was there, by the wall clock (UTC).</param>
/// <param name="Monotonic">The same instant on the machine's monotonic clock, from an arbitrary origin that all clients share.</param>
public sealed record AcknowledgedWrite(string Cluster, DateTimeOffset At, TimeSpan Monotonic);

/// <summary>What the clients saw; plain figures, read from their logs by whoever ran them.</summary>
public sealed record ClientObservations
{
    /// <summary>The writes acknowledged to the client that resolves the name on every request; the downtime is measured on these.</summary>
    public ImmutableArray<AcknowledgedWrite> Resolving { get; init; } = [];

    /// <summary>The writes acknowledged to clients that keep their connections to the source.</summary>
    public ImmutableArray<AcknowledgedWrite> Others { get; init; } = [];

    /// <summary>Requests without an acknowledgement, of all clients.</summary>
    public long FailedRequests { get; init; }

    /// <summary>Acknowledged writes that could not be read back with their hash.</summary>
    public long Lost { get; init; }
}

/// <summary>The longest time between two acknowledged writes.</summary>
/// <param name="Before">The last write before it.</param>
/// <param name="After">The first write after it.</param>
public sealed record ServiceGap(AcknowledgedWrite Before, AcknowledgedWrite After)
{
    /// <summary>How long it was, on the monotonic clock.</summary>
    public TimeSpan Duration => After.Monotonic - Before.Monotonic;

    /// <summary>Finds it, or null when there are fewer than two writes.</summary>
    /// <param name="writes">In any order.</param>
    public static ServiceGap? Longest(ImmutableArray<AcknowledgedWrite> writes) => Longest(writes, DateTimeOffset.MinValue, DateTimeOffset.MaxValue);

    /// <summary>The longest of those that have some time in common with a stretch of time, or null.</summary>
    /// <param name="writes">In any order.</param>
    /// <param name="from">The stretch's begin.</param>
    /// <param name="to">The stretch's end.</param>
    public static ServiceGap? Longest(ImmutableArray<AcknowledgedWrite> writes, DateTimeOffset from, DateTimeOffset to)
    {
        var sorted = writes.Sort(static (a, b) => a.Monotonic.CompareTo(b.Monotonic));
        ServiceGap? longest = null;
        for (var i = 1; i < sorted.Length; i++)
        {
            var gap = new ServiceGap(sorted[i - 1], sorted[i]);
            if (gap.Before.At < to && gap.After.At > from && (longest is null || gap.Duration > longest.Duration))
                longest = gap;
        }

        return longest;
    }
}

/// <summary>Folds acknowledgements into stretches of one cluster each.</summary>
public static class AcknowledgedIntervals
{
    /// <summary>In order of time; two clusters that took turns show up as many short stretches, so interleaving is seen at once.</summary>
    /// <param name="writes">In any order.</param>
    public static ImmutableArray<AcknowledgedInterval> From(IEnumerable<AcknowledgedWrite> writes)
    {
        var intervals = ImmutableArray.CreateBuilder<AcknowledgedInterval>();
        foreach (var write in writes.OrderBy(static write => write.Monotonic))
        {
            if (intervals.Count > 0 && string.Equals(intervals[^1].Cluster, write.Cluster, StringComparison.Ordinal))
                intervals[^1] = intervals[^1] with { To = write.At };
            else
                intervals.Add(new AcknowledgedInterval(write.Cluster, write.At, write.At));
        }

        return intervals.ToImmutable();
    }
}
