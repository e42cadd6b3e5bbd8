namespace StatefulRelocate.Benchmarks.Reports;

/// <summary>Of a handful of runs the median, and the extremes as the spread.</summary>
internal static class Statistics
{
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>The least value that so many percent of all do not exceed.</summary>
    public static double Percentile(IEnumerable<double> values, int percent)
    {
        var sorted = values.Order().ToArray();
        return sorted[Math.Max(0, ((sorted.Length * percent) + 99) / 100 - 1)];
    }
}
