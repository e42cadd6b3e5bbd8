namespace StatefulRelocate.Dns.Serving;

/// <summary>Passes on a limited number of lines a minute: anybody can send malformed packets, and the log must not fill the disk.</summary>
internal sealed class LimitedReport(Action<string> report, TimeProvider time)
{
    private const int LinesInAMinute = 60;
    private readonly Lock gate = new();
    private long minuteStarted = time.GetTimestamp();
    private int lines;
    private int withheld;

    public void Write(string line)
    {
        lock (gate)
        {
            if (time.GetElapsedTime(minuteStarted) >= TimeSpan.FromMinutes(1))
            {
                if (withheld > 0)
                    report($"{withheld} more such lines were withheld");
                minuteStarted = time.GetTimestamp();
                lines = 0;
                withheld = 0;
            }

            if (lines++ < LinesInAMinute)
                report(line);
            else
                withheld++;
        }
    }
}
