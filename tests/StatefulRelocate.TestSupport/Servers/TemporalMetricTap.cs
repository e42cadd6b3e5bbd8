using System.Globalization;
using Temporalio.Runtime;

namespace StatefulRelocate.TestSupport.Servers;

/// <summary>Hands what the Temporal SDK measures to a test.</summary>
/// <param name="measured">Called with the metric's name and each value: what a counter grew by, what a gauge was set to, a duration in whole milliseconds. On any thread.</param>
public sealed class TemporalMetricTap(Action<string, double> measured) : ICustomMetricMeter
{
    /// <summary>A runtime that measures for this tap; for the connection of a client.</summary>
    public TemporalRuntime ToRuntime() => new(new TemporalRuntimeOptions(new TelemetryOptions { Metrics = new MetricsOptions { CustomMetricMeter = this } }));

    /// <inheritdoc/>
    public ICustomMetricCounter<T> CreateCounter<T>(string name, string? unit, string? description) where T : struct => new Instrument<T>(name, measured);

    /// <inheritdoc/>
    public ICustomMetricHistogram<T> CreateHistogram<T>(string name, string? unit, string? description) where T : struct => new Instrument<T>(name, measured);

    /// <inheritdoc/>
    public ICustomMetricGauge<T> CreateGauge<T>(string name, string? unit, string? description) where T : struct => new Instrument<T>(name, measured);

    /// <inheritdoc/>
    public object CreateTags(object? appendFrom, IReadOnlyCollection<KeyValuePair<string, object>> tags) => this;

    private sealed class Instrument<T>(string name, Action<string, double> measured) : ICustomMetricCounter<T>, ICustomMetricHistogram<T>, ICustomMetricGauge<T>
        where T : struct
    {
        public void Add(T value, object tags) => measured(name, Convert.ToDouble(value, CultureInfo.InvariantCulture));

        public void Record(T value, object tags) => Add(value, tags);

        public void Set(T value, object tags) => Add(value, tags);
    }
}
