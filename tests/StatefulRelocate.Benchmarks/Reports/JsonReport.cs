using System.Text.Json;

namespace StatefulRelocate.Benchmarks.Reports;

/// <summary>Everything that was measured, for other programs.</summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions s_options = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static string Write(BenchmarkResult result) => JsonSerializer.Serialize(new
    {
        result.Machine,
        result.Options.Runs,
        result.Options.Scale,
        result.Options.Seed,
        Engines = result.Engines.Select(engine => new { engine.Name, engine.Version, engine.Notes }),
        result.Missing,
        Sets = result.Sets.ToDictionary(set => set.Key, set => set.Value.Description),
        Limits = result.Limits?.All,
        Targets = Targets.Judge(result),
        result.Log.Samples,
        result.Log.Notes,
        result.Log.Failures,
    }, s_options);
}
