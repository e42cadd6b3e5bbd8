namespace StatefulRelocate.Core.Reports;

/// <summary>Times in reports: milliseconds with at most two decimals.</summary>
internal static class Milliseconds
{
    public static double Of(TimeSpan time) => Math.Round(time.TotalMilliseconds, 2, MidpointRounding.AwayFromZero);
}
