using System.Text.Json;
using StatefulRelocate.Benchmarks.Engines;
using StatefulRelocate.Benchmarks.Processes;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.Benchmarks.Temporal;

/// <summary>One <c>relocate demo</c>: what its clients saw.</summary>
/// <param name="Engine">The engine that carried it on.</param>
/// <param name="Run">The run.</param>
/// <param name="DowntimeMs">The longest time between two acknowledged writes, in milliseconds.</param>
/// <param name="Hops">How many times the blackout went through the engine.</param>
/// <param name="WritesLost">Acknowledged writes that were lost.</param>
internal sealed record DemoDowntime(string Engine, int Run, double DowntimeMs, int Hops, long WritesLost)
{
    public const string Embedded = "embedded", Temporal = "temporal";

    /// <summary>The setup of the server that a demo on Temporal starts for itself.</summary>
    public const string Server = "eager";

    /// <summary>Runs one; null where our program was not built.</summary>
    public static DemoDowntime? Measure(string engine, int run)
    {
        if (EngineDiscovery.Relocate(null) is not { } program)
            return null;
        var measured = MeasuredProcess.Run(new Invocation(program, ["demo", "--json", "--engine", engine])
        {
            // A server of its own, whatever else is configured here.
            Environment = new Dictionary<string, string> { ["TEMPORAL_CLI"] = TestPrograms.Temporal ?? "", ["TEMPORAL_ADDRESS"] = "" },
        });
        using var report = JsonDocument.Parse(measured.Output);
        var root = report.RootElement;
        return new DemoDowntime(
            engine, run, root.GetProperty("downtimeMs").GetDouble(), root.GetProperty("hops").GetArrayLength(), root.GetProperty("acknowledgedWritesLost").GetInt64());
    }
}
