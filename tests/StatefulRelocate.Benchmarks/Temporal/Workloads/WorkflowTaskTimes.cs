using System.Collections.Concurrent;
using StatefulRelocate.Benchmarks.Reports;
using Temporalio.Runtime;

namespace StatefulRelocate.Benchmarks.Temporal.Workloads;

/// <summary>How long workflow tasks take inside the worker, by the SDK's own metric; all other metrics are dropped.</summary>
internal sealed class WorkflowTaskTimes : ICustomMetricMeter
{
    private const string Metric = "temporal_workflow_task_execution_latency";
    private readonly ConcurrentQueue<TimeSpan> _times = [];

    public MetricsOptions ToOptions() => new()
    {
        CustomMetricMeter = this,
        CustomMetricMeterOptions = new CustomMetricMeterOptions { HistogramDurationFormat = CustomMetricMeterOptions.DurationFormat.TimeSpan },
    };

    /// <summary>Milliseconds, of the tasks since the last call; null when there was none.</summary>
    public double? TakeMedian()
    {
        var taken = new List<double>();
        while (_times.TryDequeue(out var time))
            taken.Add(time.TotalMilliseconds);
        return taken.Count == 0 ? null : Statistics.Median(taken);
    }

    public ICustomMetricCounter<T> CreateCounter<T>(string name, string? unit, string? description) where T : struct => new Instrument<T>(null);

    public ICustomMetricHistogram<T> CreateHistogram<T>(string name, string? unit, string? description) where T : struct => new Instrument<T>(name == Metric ? _times : null);

    public ICustomMetricGauge<T> CreateGauge<T>(string name, string? unit, string? description) where T : struct => new Instrument<T>(null);

    public object CreateTags(object? appendFrom, IReadOnlyCollection<KeyValuePair<string, object>> tags) => this;

    private sealed class Instrument<T>(ConcurrentQueue<TimeSpan>? times) : ICustomMetricCounter<T>, ICustomMetricHistogram<T>, ICustomMetricGauge<T>
        where T : struct
    {
        public void Add(T value, object tags)
        {
        }

        public void Record(T value, object tags)
        {
            if (value is TimeSpan time)
                times?.Enqueue(time);
        }

        public void Set(T value, object tags)
        {
        }
    }
}
