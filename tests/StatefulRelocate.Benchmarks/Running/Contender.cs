using StatefulRelocate.Benchmarks.Engines;
using StatefulRelocate.Benchmarks.Places;
using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Running;

/// <summary>One engine in one run of a scenario.</summary>
internal sealed class Contender
{
    private readonly string _set;
    private readonly int _run;

    public Contender(Engine engine, Place place, string set, int run, string source, string directory)
    {
        (Engine, _set, _run) = (engine, set, run);
        Target = Path.Combine(directory, "target");
        Setup = new EngineSetup(place, Path.Combine(directory, "private"), source);
        Directory.CreateDirectory(Setup.Private);
    }

    public Engine Engine { get; }

    public EngineSetup Setup { get; }

    public string Target { get; }

    public void Initialize()
    {
        foreach (var invocation in Engine.Initialize(Setup))
            MeasuredProcess.Run(invocation);
    }

    /// <summary>All that an engine which took the round before would still have in memory: its program, what it keeps for itself, both volumes.</summary>
    public void Warm()
    {
        PageCache.WarmFile(Engine.Program);
        foreach (var directory in new[] { Setup.Private, Setup.Source, Target }.Where(Directory.Exists))
            PageCache.Warm(directory);
    }

    public Sample Snapshot(string operation) => Measure(operation, Engine.Snapshot(Setup));

    public Sample FinalSnapshot(string operation) => Measure(operation, Engine.FinalSnapshot(Setup));

    public Sample Restore(string operation, bool inPlace) => Measure(operation, Engine.Restore(Setup, Target, inPlace));

    private Sample Measure(string operation, Invocation invocation)
    {
        var (stored, requests) = (Setup.Place.StoredBytes(Engine.Name), Setup.Place.Requests());
        var measured = MeasuredProcess.Run(invocation);
        return Sample.Of(_set, Setup.Place.Name, Engine.Name, operation, _run, measured, Setup.Place.StoredBytes(Engine.Name) - stored, Setup.Place.Requests() - requests);
    }
}
