using StatefulRelocate.Hosting.Metrics;

namespace StatefulRelocate.Hosting.Tests;

public sealed class MetricRegistryTests
{
    private readonly MetricRegistry _registry = new();

    [Fact]
    public void A_counter_has_a_line_for_each_set_of_labels()
    {
        var counter = _registry.Get("relocate_activities_total", "Activities.", MetricKind.Counter);

        counter.Add(1, MetricLabels.None.With("kind", "restore"));
        counter.Add(2, MetricLabels.None.With("kind", "snapshot"));
        counter.Add(3, MetricLabels.None.With("kind", "restore"));

        Assert.Equal(
            """
            # HELP relocate_activities_total Activities.
            # TYPE relocate_activities_total counter
            relocate_activities_total{kind="restore"} 4
            relocate_activities_total{kind="snapshot"} 2

            """, _registry.Write());
    }

    [Fact]
    public void A_gauge_goes_back_and_needs_no_label()
    {
        var gauge = _registry.Get("running", "Now.", MetricKind.Gauge);

        gauge.Add(2, MetricLabels.None);
        gauge.Add(-1, MetricLabels.None);

        Assert.Contains("\nrunning 1\n", _registry.Write(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_buckets_of_a_histogram_hold_what_is_not_above_them()
    {
        var histogram = _registry.Get("seconds", "Time.", MetricKind.Histogram);

        histogram.Observe(0.05, MetricLabels.None.With("kind", "fence"));
        histogram.Observe(100_000, MetricLabels.None.With("kind", "fence"));

        var text = _registry.Write();
        Assert.Contains("seconds_bucket{kind=\"fence\",le=\"0.025\"} 0\n", text, StringComparison.Ordinal);
        Assert.Contains("seconds_bucket{kind=\"fence\",le=\"0.05\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("seconds_bucket{kind=\"fence\",le=\"7200\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("seconds_bucket{kind=\"fence\",le=\"+Inf\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("seconds_count{kind=\"fence\"} 2\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_Prometheus_cannot_read_is_rewritten()
    {
        _registry.Get("temporal.request-count", "Of\nthe SDK.", MetricKind.Counter).Add(1, MetricLabels.None.With("service.name", "say \"hi\"\\\n"));

        Assert.Equal(
            """
            # HELP temporal_request_count Of the SDK.
            # TYPE temporal_request_count counter
            temporal_request_count{service_name="say \"hi\"\\\n"} 1

            """, _registry.Write());
    }

    [Fact]
    public void Adding_from_many_threads_loses_nothing()
    {
        var counter = _registry.Get("n", "N.", MetricKind.Counter);

        Parallel.For(0, 10_000, _ => counter.Add(1, MetricLabels.None));

        Assert.Contains("\nn 10000\n", _registry.Write(), StringComparison.Ordinal);
    }
}
