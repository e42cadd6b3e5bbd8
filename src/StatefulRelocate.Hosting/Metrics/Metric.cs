using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace StatefulRelocate.Hosting.Metrics;

/// <summary>What a metric counts.</summary>
public enum MetricKind
{
    /// <summary>Only grows.</summary>
    Counter,

    /// <summary>Goes up and down.</summary>
    Gauge,

    /// <summary>How often a value lay in which range.</summary>
    Histogram,
}

/// <summary>One metric, with a series for each set of labels.</summary>
public sealed class Metric
{
    // Seconds: a hop takes tens of milliseconds, a long poll a minute, a large copy hours.
    private static readonly double[] s_bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200];
    private readonly ConcurrentDictionary<string, Series> _series = new(StringComparer.Ordinal);
    private readonly string _name;
    private readonly string _help;
    private readonly MetricKind _kind;

    internal Metric(string name, string help, MetricKind kind) => (_name, _help, _kind) = (name, help, kind);

    /// <summary>Adds to a counter or a gauge.</summary>
    public void Add(double value, MetricLabels labels) => Of(labels).Change(series => series.Value += value);

    /// <summary>Sets a gauge.</summary>
    public void Set(double value, MetricLabels labels) => Of(labels).Change(series => series.Value = value);

    /// <summary>Takes a value into a histogram.</summary>
    public void Observe(double value, MetricLabels labels) => Of(labels).Change(series =>
    {
        series.Value += value;
        series.Count++;
        var bucket = Array.FindIndex(s_bounds, bound => value <= bound);
        if (bucket >= 0)
            series.Buckets[bucket]++;
    });

    /// <summary>Appends it in Prometheus' text format (version 0.0.4).</summary>
    internal void Write(StringBuilder text)
    {
        if (_series.IsEmpty)
            return;
        text.Append(CultureInfo.InvariantCulture, $"# HELP {_name} {_help.ReplaceLineEndings(" ")}\n# TYPE {_name} {(_kind switch { MetricKind.Counter => "counter", MetricKind.Gauge => "gauge", _ => "histogram" })}\n");
        foreach (var (labels, series) in _series.OrderBy(static each => each.Key, StringComparer.Ordinal))
            series.Change(each => Write(text, labels, each));
    }

    private void Write(StringBuilder text, string labels, Series series)
    {
        var all = labels.Length == 0 ? "" : $"{{{labels}}}";
        if (_kind != MetricKind.Histogram)
        {
            text.Append(CultureInfo.InvariantCulture, $"{_name}{all} {series.Value}\n");
            return;
        }

        var separator = labels.Length == 0 ? "" : ",";
        var below = 0L;
        for (var i = 0; i < s_bounds.Length; i++)
            text.Append(CultureInfo.InvariantCulture, $"{_name}_bucket{{{labels}{separator}le=\"{s_bounds[i]}\"}} {below += series.Buckets[i]}\n");
        text.Append(CultureInfo.InvariantCulture, $"{_name}_bucket{{{labels}{separator}le=\"+Inf\"}} {series.Count}\n{_name}_sum{all} {series.Value}\n{_name}_count{all} {series.Count}\n");
    }

    private Series Of(MetricLabels labels) => _series.GetOrAdd(labels.Text, static _ => new Series());

    private sealed class Series
    {
        private readonly Lock _gate = new();

        public double Value { get; set; }

        public long Count { get; set; }

        public long[] Buckets { get; } = new long[s_bounds.Length];

        public void Change(Action<Series> change)
        {
            lock (_gate)
                change(this);
        }
    }
}
