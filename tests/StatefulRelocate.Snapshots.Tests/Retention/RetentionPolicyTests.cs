using System.Globalization;
using StatefulRelocate.Snapshots.Retention;

namespace StatefulRelocate.Snapshots.Tests.Retention;

public sealed class RetentionPolicyTests
{
    [Fact]
    public void Last_keeps_the_newest_of_each_app()
        => Assert.Equal("a2 a3 b1", Kept(new() { Last = 2 }, "a1 2026-01-01T00:00Z", "a2 2026-01-02T00:00Z", "a3 2026-01-03T00:00Z", "b1 2025-01-01T00:00Z"));

    [Fact]
    public void A_period_without_snapshots_does_not_count()
        => Assert.Equal("a1 a3", Kept(new() { Daily = 2 }, "a1 2026-01-01T10:00Z", "a2 2026-01-31T09:00Z", "a3 2026-01-31T10:00Z"));

    [Fact]
    public void Weeks_begin_on_monday_also_across_new_year()
    {
        // 2026-12-28 is a Monday; 2027-01-03 the Sunday of the same week 53.
        Assert.Equal("a2 a3", Kept(new() { Weekly = 2 }, "a1 2026-12-28T00:00Z", "a2 2027-01-03T23:59Z", "a3 2027-01-04T00:00Z"));
        Assert.Equal("a1 a3", Kept(new() { Weekly = 2 }, "a1 2026-12-27T23:59Z", "a2 2026-12-28T00:00Z", "a3 2027-01-03T00:00Z"));
    }

    [Fact]
    public void Months_are_calendar_months_of_the_time_zone()
    {
        Assert.Equal("a1 a2", Kept(new() { Monthly = 5 }, "a1 2026-01-31T23:30Z", "a2 2026-02-01T00:10Z"));
        Assert.Equal("a2", Kept(new() { Monthly = 5, TimeZone = Zone("Europe/Berlin") }, "a1 2026-01-31T23:30Z", "a2 2026-02-01T00:10Z"));
    }

    [Fact]
    public void The_hour_that_a_clock_shows_twice_is_two_hours()
    {
        // Berlin, 2026-10-25: 02:30 CEST is 00:30Z, 02:30 CET is 01:30Z.
        var policy = new RetentionPolicy { Hourly = 9, TimeZone = Zone("Europe/Berlin") };
        Assert.Equal("a1 a3", Kept(policy, "a1 2026-10-25T00:30Z", "a2 2026-10-25T01:10Z", "a3 2026-10-25T01:30Z"));
    }

    [Fact]
    public void A_day_of_23_or_25_hours_is_one_day()
    {
        var policy = new RetentionPolicy { Daily = 9, TimeZone = Zone("Europe/Berlin") };
        Assert.Equal("a2 a3", Kept(policy, "a1 2026-10-24T22:00Z", "a2 2026-10-25T22:59Z", "a3 2026-10-25T23:00Z"));
        Assert.Equal("a2 a3", Kept(policy, "a1 2026-03-28T23:00Z", "a2 2026-03-29T21:59Z", "a3 2026-03-29T22:00Z"));
    }

    [Fact]
    public void An_hour_of_a_zone_with_half_hours_begins_at_the_half_hour()
        => Assert.Equal("a2 a3", Kept(new() { Hourly = 9, TimeZone = Zone("Asia/Kolkata") }, "a1 2026-01-01T00:35Z", "a2 2026-01-01T01:25Z", "a3 2026-01-01T01:30Z"));

    [Fact]
    public void Within_counts_from_the_newest_of_the_app_and_needs_no_clock()
        => Assert.Equal("a2 a3 b1", Kept(new() { Within = TimeSpan.FromDays(2) }, "a1 2026-01-01T00:00Z", "a2 2026-01-01T00:01Z", "a3 2026-01-03T00:01Z", "b1 2020-01-01T00:00Z"));

    [Fact]
    public void Tags_and_what_is_needed_stay_whatever_the_rest_says()
    {
        var decisions = new RetentionPolicy { Last = 1, Tags = ["gold"] }.Decide(
        [
            Candidate("a1 2026-01-01T00:00Z") with { Tags = ["x", "gold"] },
            Candidate("a2 2026-01-02T00:00Z") with { NeededBy = "relocation r-1 is open" },
            Candidate("a3 2026-01-03T00:00Z"),
            Candidate("a4 2026-01-04T00:00Z"),
        ]);
        Assert.Equal(["a4: last", "a3: ", "a2: relocation r-1 is open", "a1: tag gold"], decisions.Select(d => $"{d.Snapshot.Id}: {string.Join(", ", d.Reasons)}"));
    }

    [Fact]
    public void Rules_add_up_and_each_is_named()
    {
        var decisions = new RetentionPolicy { Last = 1, Hourly = 1, Daily = 2, Weekly = 2, Monthly = 2 }.Decide([Candidate("a1 2026-01-15T10:00Z"), Candidate("a2 2026-02-15T10:00Z"), Candidate("a3 2026-02-15T11:00Z")]);
        Assert.Equal(["last, hour, day, week, month", "", "day, week, month"], decisions.Select(d => string.Join(", ", d.Reasons)));
    }

    [Fact]
    public void The_newest_is_kept_by_every_policy_that_is_not_empty()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var policy = new RetentionPolicy { Last = random.Next(2), Hourly = random.Next(3), Daily = random.Next(3), Weekly = random.Next(3), Monthly = random.Next(3), TimeZone = Zone(random.Next(2) == 0 ? "America/St_Johns" : "Pacific/Apia") };
            if (policy.IsEmpty || policy is { Last: 0, Hourly: 0, Daily: 0, Weekly: 0, Monthly: 0 })
                continue;
            var all = Enumerable.Range(0, random.Next(1, 60)).Select(i => new RetentionCandidate($"s{i}", "a", DateTimeOffset.UnixEpoch.AddMinutes(random.Next(60_000_000)), [], null)).ToArray();
            var decisions = policy.Decide(all);
            Assert.True(decisions[0].Keep, $"seed {seed}");
            Assert.Equal(all.Length, decisions.Length);
            Assert.InRange(decisions.Count(d => d.Keep), 1, policy.Last + policy.Hourly + policy.Daily + policy.Weekly + policy.Monthly);

            // What is kept is kept again, and nothing more goes: forgetting twice does nothing.
            Assert.All(policy.Decide(decisions.Where(d => d.Keep).Select(d => d.Snapshot)), d => Assert.True(d.Keep, $"seed {seed}"));
        }
    }

    private static TimeZoneInfo Zone(string name)
    {
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone))
            Assert.Skip($"this machine does not know the time zone {name} (package tzdata)");
        return zone;
    }

    private static string Kept(RetentionPolicy policy, params string[] snapshots)
        => string.Join(' ', policy.Decide(snapshots.Select(Candidate)).Where(d => d.Keep).Select(d => d.Snapshot.Id).Order(StringComparer.Ordinal));

    private static RetentionCandidate Candidate(string text) => new(
        text.Split(' ')[0], text[..1], DateTimeOffset.ParseExact(text.Split(' ')[1], "yyyy-MM-dd'T'HH:mm'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal), [], null);
}
