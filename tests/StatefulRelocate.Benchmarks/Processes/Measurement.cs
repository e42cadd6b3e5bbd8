namespace StatefulRelocate.Benchmarks.Processes;

/// <summary>What one process cost, its children included.</summary>
/// <param name="Seconds">From its start to its end.</param>
/// <param name="UserSeconds">CPU in user mode.</param>
/// <param name="SystemSeconds">CPU in the kernel.</param>
/// <param name="PeakBytes">The largest resident set.</param>
/// <param name="Output">What it wrote to standard output.</param>
internal sealed record Measurement(double Seconds, double UserSeconds, double SystemSeconds, long PeakBytes, string Output)
{
    public double CpuSeconds => UserSeconds + SystemSeconds;
}
