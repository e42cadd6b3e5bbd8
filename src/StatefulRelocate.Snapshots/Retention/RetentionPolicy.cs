using System.Collections.Immutable;
using System.Globalization;

namespace StatefulRelocate.Snapshots.Retention;

/// <summary>What to keep of each app's snapshots. A snapshot stays when any rule keeps it.</summary>
public sealed record RetentionPolicy
{
    /// <summary>The newest so many. Default: 0.</summary>
    public int Last { get; init; }

    /// <summary>The newest of each of the last so many hours that have any. Default: 0.</summary>
    public int Hourly { get; init; }

    /// <summary>The newest of each of the last so many days that have any. Default: 0.</summary>
    public int Daily { get; init; }

    /// <summary>The newest of each of the last so many weeks (from Monday, ISO 8601) that have any. Default: 0.</summary>
    public int Weekly { get; init; }

    /// <summary>The newest of each of the last so many months that have any. Default: 0.</summary>
    public int Monthly { get; init; }

    /// <summary>All that are at most so much older than the app's newest. Default: zero, which is none.</summary>
    public TimeSpan Within { get; init; }

    /// <summary>All that have one of these tags.</summary>
    public ImmutableArray<string> Tags { get; init; } = [];

    /// <summary>Where hours, days, weeks and months begin. Default: UTC.</summary>
    public TimeZoneInfo TimeZone { get; init; } = TimeZoneInfo.Utc;

    /// <summary>Whether it keeps nothing at all.</summary>
    public bool IsEmpty => Last <= 0 && Hourly <= 0 && Daily <= 0 && Weekly <= 0 && Monthly <= 0 && Within <= TimeSpan.Zero && Tags.IsEmpty;

    /// <summary>Decides, app by app; in the order of time, the newest first.</summary>
    /// <param name="snapshots">The snapshots.</param>
    public ImmutableArray<RetentionDecision> Decide(IEnumerable<RetentionCandidate> snapshots)
    {
        var decisions = ImmutableArray.CreateBuilder<RetentionDecision>();
        foreach (var app in snapshots.GroupBy(s => s.App, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
            DecideApp([.. app.OrderByDescending(s => s.CreatedAt).ThenByDescending(s => s.Id, StringComparer.Ordinal)], decisions);
        return decisions.ToImmutable();
    }

    private void DecideApp(ImmutableArray<RetentionCandidate> newestFirst, ImmutableArray<RetentionDecision>.Builder decisions)
    {
        Bucket[] buckets =
        [
            // The hour that a clock shows twice when summer ends is two hours; a day is a date, however long it is.
            new("hour", Hourly, t => (t.Year, t.DayOfYear, t.Hour, t.Offset)),
            new("day", Daily, t => (t.Year, t.DayOfYear, 0, default)),
            new("week", Weekly, t => (ISOWeek.GetYear(t.DateTime), ISOWeek.GetWeekOfYear(t.DateTime), 0, default)),
            new("month", Monthly, t => (t.Year, t.Month, 0, default)),
        ];
        for (var i = 0; i < newestFirst.Length; i++)
        {
            var snapshot = newestFirst[i];
            var reasons = ImmutableArray.CreateBuilder<string>();
            if (snapshot.NeededBy is { } needed)
                reasons.Add(needed);
            if (i < Last)
                reasons.Add("last");
            var local = TimeZoneInfo.ConvertTime(snapshot.CreatedAt, TimeZone);
            reasons.AddRange(buckets.Where(b => b.Takes(local)).Select(b => b.Name));
            if (Within > TimeSpan.Zero && newestFirst[0].CreatedAt - snapshot.CreatedAt <= Within)
                reasons.Add("within");
            if (snapshot.Tags.FirstOrDefault(Tags.Contains) is { } tag)
                reasons.Add($"tag {tag}");
            decisions.Add(new RetentionDecision(snapshot, reasons.ToImmutable()));
        }
    }

    private sealed class Bucket(string name, int wanted, Func<DateTimeOffset, (int, int, int, TimeSpan)> period)
    {
        private readonly HashSet<(int, int, int, TimeSpan)> _seen = [];

        public string Name => name;

        /// <summary>Asked from the newest to the oldest: the first of a period that is still wanted is kept.</summary>
        public bool Takes(DateTimeOffset local) => _seen.Count < wanted && _seen.Add(period(local));
    }
}

/// <summary>A snapshot as a policy sees it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="App">Its app.</param>
/// <param name="CreatedAt">When it was taken.</param>
/// <param name="Tags">Its tags.</param>
/// <param name="NeededBy">Why it must stay whatever the policy says, in a few words; null: it need not.</param>
public sealed record RetentionCandidate(string Id, string App, DateTimeOffset CreatedAt, ImmutableArray<string> Tags, string? NeededBy);

/// <summary>What becomes of a snapshot.</summary>
/// <param name="Snapshot">The snapshot.</param>
/// <param name="Reasons">Why it is kept; empty: it is not.</param>
public sealed record RetentionDecision(RetentionCandidate Snapshot, ImmutableArray<string> Reasons)
{
    /// <summary>Whether it is kept.</summary>
    public bool Keep => !Reasons.IsEmpty;
}
