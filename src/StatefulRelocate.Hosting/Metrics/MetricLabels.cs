using System.Globalization;
using System.Text;

namespace StatefulRelocate.Hosting.Metrics;

/// <summary>The labels of a series, in the order of their names and already in the form in which Prometheus reads them.</summary>
public sealed class MetricLabels
{
    private readonly SortedDictionary<string, string> _values;

    private MetricLabels(SortedDictionary<string, string> values)
    {
        _values = values;
        Text = string.Join(',', values.Select(static pair => $"{pair.Key}=\"{Escape(pair.Value)}\""));
    }

    /// <summary>No label.</summary>
    public static MetricLabels None { get; } = new(new SortedDictionary<string, string>(StringComparer.Ordinal));

    /// <summary><c>name="value",other="value"</c>; empty where there is none.</summary>
    public string Text { get; }

    /// <summary>These and others; a later value of the same name counts.</summary>
    public MetricLabels With(IEnumerable<KeyValuePair<string, object>> others)
    {
        ArgumentNullException.ThrowIfNull(others);
        var values = new SortedDictionary<string, string>(_values, StringComparer.Ordinal);
        foreach (var (name, value) in others)
            values[PrometheusName(name)] = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        return new MetricLabels(values);
    }

    /// <summary>These and one more.</summary>
    public MetricLabels With(string name, string value) => With([KeyValuePair.Create<string, object>(name, value)]);

    /// <summary>A name of which Prometheus takes every character.</summary>
    internal static string PrometheusName(string name)
    {
        var text = new StringBuilder(name);
        for (var i = 0; i < text.Length; i++)
            if (!char.IsAsciiLetter(text[i]) && text[i] != '_' && (i == 0 || !char.IsAsciiDigit(text[i])))
                text[i] = '_';
        return text.ToString();
    }

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
