using Temporalio.Runtime;

namespace StatefulRelocate.Hosting.Metrics;

/// <summary>
/// Takes the metrics of the Temporal SDK into the registry, so that one address serves all of them; the SDK's own exporter would listen
/// on another.
/// </summary>
internal sealed class TemporalMetrics(MetricRegistry registry) : ICustomMetricMeter
{
    /// <summary>The SDK's options; durations come in seconds.</summary>
    public MetricsOptions ToOptions() => new()
    {
        CustomMetricMeter = this,
        CustomMetricMeterOptions = new CustomMetricMeterOptions { HistogramDurationFormat = CustomMetricMeterOptions.DurationFormat.FloatSeconds },
    };

    public ICustomMetricCounter<T> CreateCounter<T>(string name, string? unit, string? description) where T : struct => new Instrument<T>(Get(name, description, MetricKind.Counter));

    public ICustomMetricHistogram<T> CreateHistogram<T>(string name, string? unit, string? description) where T : struct => new Instrument<T>(Get(name, description, MetricKind.Histogram));

    public ICustomMetricGauge<T> CreateGauge<T>(string name, string? unit, string? description) where T : struct => new Instrument<T>(Get(name, description, MetricKind.Gauge));

    public object CreateTags(object? appendFrom, IReadOnlyCollection<KeyValuePair<string, object>> tags) => ((MetricLabels?)appendFrom ?? MetricLabels.None).With(tags);

    private Metric Get(string name, string? description, MetricKind kind) => registry.Get(name, description is { Length: > 0 } ? description : "Of the Temporal SDK.", kind);

    private sealed class Instrument<T>(Metric metric) : ICustomMetricCounter<T>, ICustomMetricHistogram<T>, ICustomMetricGauge<T>
        where T : struct
    {
        public void Add(T value, object tags) => metric.Add(Number(value), (MetricLabels)tags);

        public void Record(T value, object tags) => metric.Observe(Number(value), (MetricLabels)tags);

        public void Set(T value, object tags) => metric.Set(Number(value), (MetricLabels)tags);

        private static double Number(T value) => value switch
        {
            long number => number,
            double number => number,
            TimeSpan time => time.TotalSeconds,
            _ => throw new NotSupportedException($"the Temporal SDK measures in {typeof(T)}"),
        };
    }
}
