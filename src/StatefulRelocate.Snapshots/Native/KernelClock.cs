namespace StatefulRelocate.Snapshots.Native;

/// <summary>The clock that file time stamps are taken from. Not a <see cref="TimeProvider"/>: it is compared with those stamps only.</summary>
internal static class KernelClock
{
    // 100 ms covers the coarsest tick (10 ms at HZ=100) and network file systems of good will.
    public const long RacyWindow = 100_000_000;
    private const int RealTimeCoarse = 5;

    /// <summary>Nanoseconds since 1970, as a file changed at this instant would be stamped.</summary>
    public static unsafe long Now()
    {
        var time = stackalloc long[2];
        _ = Posix.ClockTime(RealTimeCoarse, time);
        return time[0] * 1_000_000_000 + time[1];
    }

    /// <summary>Changes with every boot of the machine.</summary>
    public static string BootId() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>Waits until a change would be stamped later than now: at most one tick, some milliseconds.</summary>
    public static async Task NextTickAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        var from = Now();
        while (Now() <= from)
            await Task.Delay(TimeSpan.FromMilliseconds(1), time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits until a change would be stamped later than a file's time, but not for long: false when that time lies in the future.</summary>
    public static bool WaitPast(long stamped)
    {
        const int longestMilliseconds = 100;
        for (var waited = 0; Now() <= stamped; waited++)
        {
            if (waited == longestMilliseconds)
                return false;
            Thread.Sleep(1);
        }

        return true;
    }
}
