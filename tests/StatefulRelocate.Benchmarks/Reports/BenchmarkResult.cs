using StatefulRelocate.Benchmarks.DataSets;
using StatefulRelocate.Benchmarks.Engines;
using StatefulRelocate.Benchmarks.Limits;
using StatefulRelocate.Benchmarks.Running;

namespace StatefulRelocate.Benchmarks.Reports;

/// <summary>All that a report is made of.</summary>
internal sealed record BenchmarkResult(BenchOptions Options, MachineDescription Machine, IReadOnlyList<Engine> Engines, IReadOnlyList<string> Missing)
{
    /// <summary>The data sets by name.</summary>
    public required IReadOnlyDictionary<string, DataSet> Sets { get; init; }

    public MachineLimits? Limits { get; set; }

    public BenchmarkLog Log { get; set; } = new(TextWriter.Null);

    /// <summary>The samples of an operation; empty where it was not measured.</summary>
    public IReadOnlyList<Sample> Of(string set, string place, string engine, string operation)
        => [.. Log.Samples.Where(s => s.Set == set && s.Place == place && s.Engine == engine && s.Operation == operation)];

    /// <summary>Null where it was not measured.</summary>
    public double? Median(string set, string place, string engine, string operation, Func<Sample, double> figure)
        => Of(set, place, engine, operation) is { Count: > 0 } samples ? Statistics.Median(samples.Select(figure)) : null;
}
