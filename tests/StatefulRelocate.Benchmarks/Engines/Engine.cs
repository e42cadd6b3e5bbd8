using StatefulRelocate.Benchmarks.Places;
using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Engines;

/// <summary>One engine in one scenario: where its repository is, what it keeps for itself, what it saves.</summary>
/// <param name="Place">Where the repository is.</param>
/// <param name="Private">An empty directory for keys, caches and journals.</param>
/// <param name="Source">The directory that is saved.</param>
internal sealed record EngineSetup(Place Place, string Private, string Source)
{
    /// <summary>Snapshots taken so far; for engines that want a name for each.</summary>
    public int Taken { get; set; }
}

/// <summary>A snapshot program, run as a user would run it, with its own defaults.</summary>
internal abstract class Engine(string name, string program)
{
    public string Name { get; } = name;

    public string Program { get; } = program;

    public abstract string Version { get; }

    /// <summary>What it runs with where that is not its default.</summary>
    public virtual string Notes => "";

    public abstract bool Supports(Place place);

    /// <summary>Makes the repository; not measured.</summary>
    public abstract IEnumerable<Invocation> Initialize(EngineSetup setup);

    public abstract Invocation Snapshot(EngineSetup setup);

    /// <summary>A snapshot of what nothing writes to any more, where the engine can be told so.</summary>
    public virtual Invocation FinalSnapshot(EngineSetup setup) => Snapshot(setup);

    /// <summary>Puts the newest snapshot into a directory, which holds nothing, or the state of an earlier one.</summary>
    public abstract Invocation Restore(EngineSetup setup, string target, bool inPlace);

    protected static string WriteOnce(string path, string content)
    {
        if (!File.Exists(path))
            File.WriteAllText(path, content);
        return path;
    }

    protected string Repository(EngineSetup setup) => setup.Place.Contents(Name);
}
