using System.Globalization;
using StatefulRelocate.EndToEnd.Tests.Programs;
using StatefulRelocate.TestSupport;

namespace StatefulRelocate.EndToEnd.Tests.Temporal;

/// <summary>The clocks of the workers are wrong by hours, each in another direction: deadlines are counted by clocks that do not jump, times come from the server.</summary>
[Collection(TemporalCollection.Name)]
public sealed class TemporalClockTests : IDisposable
{
    // What a program that links to libc dynamically asks for the time of day; the clocks that only count are left alone.
    private const string Skew = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdlib.h>
        #include <sys/time.h>
        #include <time.h>

        static long skew(void) { const char *seconds = getenv("TEST_CLOCK_SKEW"); return seconds ? atol(seconds) : 0; }

        int clock_gettime(clockid_t clock, struct timespec *now)
        {
            static int (*real)(clockid_t, struct timespec *);
            if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
            int failed = real(clock, now);
            if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += skew();
            return failed;
        }

        int gettimeofday(struct timeval *restrict now, void *restrict zone)
        {
            struct timespec exact;
            if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
            now->tv_sec = exact.tv_sec;
            now->tv_usec = exact.tv_nsec / 1000;
            return 0;
        }
        """;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_move_between_workers_whose_clocks_differ_by_six_hours_completes_and_its_times_are_the_servers()
    {
        var library = await CProgram.TryCompileAsync(_directory.Path, "skew.so", Skew, "-shared", "-fPIC");
        Assert.SkipWhen(library is null, CProgram.Missing);
        // The clusters too, whose processes hold the deadline of the blackout, and the program that a user runs.
        var hours = new Dictionary<string, int> { [TemporalWorld.Server] = 3, [TemporalWorld.SourceAgent] = -3, [TemporalWorld.TargetAgent] = 2, [TemporalWorld.Relocate] = -1 };
        await using var world = await TemporalWorld.CreateAsync(
            TimeSpan.FromSeconds(20), variablesOf: program => new Dictionary<string, string> { ["LD_PRELOAD"] = library, ["TEST_CLOCK_SKEW"] = $"{hours[program] * 3600}" });
        var began = DateTimeOffset.UtcNow;

        using var run = world.Begin();
        var moved = await run.WaitAsync(Limit);

        var report = World.Report(moved);
        Assert.True(report.GetProperty("outcome").GetString() == "completed", moved.ToString());
        Assert.All(report.GetProperty("steps").EnumerateArray(), step => Assert.InRange(step.GetProperty("startedAt").GetDateTimeOffset(), began.AddMinutes(-1), DateTimeOffset.UtcNow.AddMinutes(1)));
        await world.EndsLegallyAsync();

        // They were wrong, or this shows nothing.
        foreach (var program in TemporalWorld.Programs)
        {
            var log = (await world.StopAsync(program)).Errors;
            var first = DateTimeOffset.Parse(log[..log.IndexOf(' ', StringComparison.Ordinal)], CultureInfo.InvariantCulture);
            Assert.InRange(first, began.AddHours(hours[program]).AddMinutes(-5), DateTimeOffset.UtcNow.AddHours(hours[program]));
        }
    }
}
