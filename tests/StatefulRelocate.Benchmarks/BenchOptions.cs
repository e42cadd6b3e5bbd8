using System.Globalization;

namespace StatefulRelocate.Benchmarks;

/// <summary>The command line of <c>./bench</c>.</summary>
internal sealed record BenchOptions
{
    public const string Help = """
        bench: measures relocate's snapshots beside restic, rustic, kopia and borg, as whole processes.
        bench temporal: measures what a step costs on our engines beside Temporal's Go SDK; see ./bench temporal --help.

          --set SETS        db, big, small (on a directory), s3 (db on MinIO; s3:big, s3:small), size (1 and 10 GiB on a loop-mounted
                            file system; as root). Several with commas. Default: db,big,small,s3,size
          --runs N          runs of each set (default 3; size always takes one)
          --scale F         the size of the data, 1 being the full one (default 1; 0.1 for a quick look)
          --engines NAMES   relocate, restic, rustic, kopia, borg (default: every one that is found)
          --seed N          of the data (default 1)
          --work DIR        where the data goes, in a folder of its own that is removed afterwards (default: the temporary directory)
          --relocate FILE   our program (default: $RELOCATE_BIN/relocate, else the launcher's last native build)
          --json FILE       every measurement as JSON
          --report FILE     the report (default: docs/benchmarks/snapshots.md for a full run at scale 1, otherwise only shown)
        """;

    public static readonly string[] KnownSets = ["db", "big", "small", "s3", "s3:db", "s3:big", "s3:small", "size"];

    public IReadOnlyList<string> Sets { get; init; } = ["db", "big", "small", "s3", "size"];

    public int Runs { get; init; } = 3;

    public double Scale { get; init; } = 1;

    public IReadOnlyList<string> Engines { get; init; } = [];

    public ulong Seed { get; init; } = 1;

    public string Work { get; init; } = Path.GetTempPath();

    public string? Relocate { get; init; }

    public string? Json { get; init; }

    public string? Report { get; init; }

    /// <summary>Null when only the help was asked for.</summary>
    public static BenchOptions? Parse(IReadOnlyList<string> arguments)
    {
        var options = new BenchOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            var (name, given) = arguments[i].Split('=', 2) is [var left, var right] ? (left, right) : (arguments[i], null);
            if (name is "-h" or "--help")
                return null;
            string Value() => given ?? (++i < arguments.Count ? arguments[i] : throw new BenchmarkException($"{name} needs a value; see --help"));
            options = name switch
            {
                "--set" => options with { Sets = List(Value(), KnownSets) },
                "--runs" => options with { Runs = Number(name, Value(), 1, 1000) },
                "--scale" => options with { Scale = Fraction(name, Value()) },
                "--engines" => options with { Engines = List(Value(), null) },
                "--seed" => options with { Seed = (ulong)Number(name, Value(), 0, int.MaxValue) },
                "--work" => options with { Work = Path.GetFullPath(Value()) },
                "--relocate" => options with { Relocate = Value() },
                "--json" => options with { Json = Path.GetFullPath(Value()) },
                "--report" => options with { Report = Path.GetFullPath(Value()) },
                _ => throw new BenchmarkException($"no option {name}; see --help"),
            };
        }

        return options;
    }

    private static List<string> List(string value, string[]? known)
    {
        var list = value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ToList();
        return known is not null && list.Find(word => !known.Contains(word)) is { } unknown ? throw new BenchmarkException($"no set '{unknown}'; there are {string.Join(", ", known)}") : list;
    }

    private static int Number(string name, string value, int least, int most)
        => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number : throw new BenchmarkException($"{name} is a whole number from {least} to {most}, not '{value}'");

    private static double Fraction(string name, string value)
        => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= 100
            ? number : throw new BenchmarkException($"{name} is a number above 0 and at most 100, not '{value}'");
}
