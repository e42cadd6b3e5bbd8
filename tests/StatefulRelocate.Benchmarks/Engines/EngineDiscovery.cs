using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Engines;

/// <summary>The engines of this machine.</summary>
internal static class EngineDiscovery
{
    /// <summary>All that are wanted and found, ours first; a wanted one that is missing ends the benchmark, another is told in <paramref name="missing"/>.</summary>
    public static IReadOnlyList<Engine> Find(string? relocate, IReadOnlyCollection<string> wanted, ICollection<string> missing)
    {
        var found = new List<Engine>();
        foreach (var (name, make) in Kinds(relocate))
        {
            if (wanted.Count > 0 && !wanted.Contains(name))
                continue;
            if (make() is { } engine)
                found.Add(engine);
            else if (wanted.Contains(name))
                throw new BenchmarkException($"no {name} on PATH, nor in a folder shared/bin above the repository");
            else
                missing.Add(name);
        }

        if (wanted.FirstOrDefault(name => Kinds(relocate).All(kind => kind.Name != name)) is { } unknown)
            throw new BenchmarkException($"no engine '{unknown}'; there are {string.Join(", ", Kinds(relocate).Select(kind => kind.Name))}");
        return found;
    }

    /// <summary>Our program: named, or of the launcher's last build, which ./bench has just brought up to date.</summary>
    public static string? Relocate(string? named)
    {
        if (named is not null)
            return Path.GetFullPath(named);
        if (Environment.GetEnvironmentVariable("RELOCATE_BIN") is { Length: > 0 } directory)
            return Path.Combine(directory, "relocate");
        return Programs.RepositoryRoot() is { } root && Path.Combine(root, "artifacts", "launcher", "current", "relocate") is var built && File.Exists(built) ? built : null;
    }

    private static (string Name, Func<Engine?> Make)[] Kinds(string? relocate) =>
    [
        (RelocateEngine.Ours, () => Relocate(relocate) is { } program ? new RelocateEngine(program) : null),
        ("restic", () => Programs.Find("restic") is { } program ? new ResticEngine(program) : null),
        ("rustic", () => Programs.Find("rustic") is { } program ? new RusticEngine(program) : null),
        ("kopia", () => Programs.Find("kopia") is { } program ? new KopiaEngine(program) : null),
        ("borg", () => Programs.Find("borg") is { } program ? new BorgEngine(program) : null),
    ];
}
