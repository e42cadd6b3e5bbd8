using System.Collections.Concurrent;
using System.Text;

namespace StatefulRelocate.Hosting.Metrics;

/// <summary>All metrics of a program, those of the Temporal SDK and its own, in one place to read.</summary>
public sealed class MetricRegistry
{
    /// <summary>The media type of <see cref="Write"/>.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly ConcurrentDictionary<string, Metric> _metrics = new(StringComparer.Ordinal);

    /// <summary>The metric of that name; the first caller says what it is.</summary>
    /// <param name="name">As Prometheus reads it; other characters become <c>_</c>.</param>
    /// <param name="help">One line.</param>
    /// <param name="kind">What it counts.</param>
    public Metric Get(string name, string help, MetricKind kind) =>
        _metrics.GetOrAdd(MetricLabels.PrometheusName(name), static (key, given) => new Metric(key, given.help, given.kind), (help, kind));

    /// <summary>Everything, in Prometheus' text format.</summary>
    public string Write()
    {
        var text = new StringBuilder();
        foreach (var (_, metric) in _metrics.OrderBy(static each => each.Key, StringComparer.Ordinal))
            metric.Write(text);
        return text.ToString();
    }
}
