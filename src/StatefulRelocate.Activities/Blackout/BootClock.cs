using System.Runtime.InteropServices;

namespace StatefulRelocate.Activities.Blackout;

/// <summary>A clock that only a reboot resets.</summary>
internal interface IBootClock
{
    string BootId { get; }

    long NowMs { get; }
}

/// <summary>CLOCK_BOOTTIME and the kernel's boot id (clock_gettime(2), proc_sys_kernel(5)).</summary>
internal sealed partial class BootClock : IBootClock
{
    private const int ClockBootTime = 7;

    public static BootClock Instance { get; } = new();

    public string BootId { get; } = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    public long NowMs
    {
        get
        {
            if (ClockGetTime(ClockBootTime, out var now) != 0)
                throw new InvalidOperationException("clock_gettime(CLOCK_BOOTTIME): " + Marshal.GetLastPInvokeErrorMessage());
            return ((long)now.Seconds * 1000) + ((long)now.Nanoseconds / 1_000_000);
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static partial int ClockGetTime(int clock, out TimeSpec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
