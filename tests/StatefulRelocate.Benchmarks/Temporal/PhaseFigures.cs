using StatefulRelocate.Benchmarks.Reports;

namespace StatefulRelocate.Benchmarks.Temporal;

/// <summary>What one phase measured.</summary>
/// <param name="Workflows">Workflows that ended.</param>
/// <param name="AtOnce">How many ran at once.</param>
/// <param name="StepsPerSecond">Steps of all workflows by the length of the phase.</param>
/// <param name="StepMedian">Milliseconds a step: the median of the workflows' lengths by their steps.</param>
/// <param name="Step95">The same of the 95th percentile.</param>
internal sealed record PhaseFigures(int Workflows, int AtOnce, double StepsPerSecond, double StepMedian, double Step95)
{
    /// <summary>CPU seconds of the contender's process in this phase, or null where only the whole process is measured.</summary>
    public double? CpuSeconds { get; init; }

    /// <summary>Milliseconds of a workflow task inside the worker, our code and the SDK's; the mean of whole ones, or null where nobody measures it.</summary>
    public double? TaskMean { get; init; }

    public static PhaseFigures Of(Phase phase, int steps, TimeSpan length, IReadOnlyCollection<TimeSpan> workflows) => new(
        phase.Workflows,
        phase.AtOnce,
        phase.Workflows * steps / length.TotalSeconds,
        Statistics.Median(workflows.Select(each => each.TotalMilliseconds)) / steps,
        Statistics.Percentile(workflows.Select(each => each.TotalMilliseconds), 95) / steps);
}
