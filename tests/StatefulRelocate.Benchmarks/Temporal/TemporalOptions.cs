using System.Globalization;

namespace StatefulRelocate.Benchmarks.Temporal;

/// <summary>The command line of <c>./bench temporal</c>.</summary>
internal sealed record TemporalOptions
{
    public const string Help = """
        bench temporal: measures what a step costs on our two engines beside Temporal's Go SDK running as many activities that do nothing.

          --workflows N     workflows of the last phase (default 200); 5 and then 20 of them come first, one after the other
          --steps K         steps of each, one after the other (default 10)
          --at-once C       workflows at once in the last phase (default 50)
          --runs N          runs; in each, all take turns, each with a server of its own (default 3)
          --contenders NAMES
                            relocate, go, recorded (relocate with steps that agents record), embedded (default: every one)
          --servers NAMES   plain (as it starts), eager (that reads its queues as often as they have something); (default: both)
          --demos N         demos on each engine in each run, for their downtime (default 3; 0 for none)
          --json FILE       every measurement as JSON
          --report FILE     the report (default: docs/benchmarks/temporal.md for three runs or more of all at the default load, otherwise only shown)

        The Temporal CLI is taken from $TEMPORAL_CLI, the Go SDK's program from $TEMPORAL_GO_BENCH; else both from PATH, or from ../shared/bin.
        """;

    public int Workflows { get; init; } = 200;

    public int Steps { get; init; } = 10;

    public int AtOnce { get; init; } = 50;

    public int Runs { get; init; } = 3;

    public IReadOnlyList<string> Contenders { get; init; } = [];

    public IReadOnlyList<string> Servers { get; init; } = [.. ServerSetup.All.Select(static setup => setup.Name)];

    public int Demos { get; init; } = 3;

    public string? Json { get; init; }

    public string? Report { get; init; }

    public Load Load => new(Workflows, Steps, AtOnce);

    /// <summary>Whether it is what the committed report shows.</summary>
    public bool IsComplete => Load == new TemporalOptions().Load && Runs >= 3 && Demos >= 1 && Contenders.Count == 0 && Servers.Count == ServerSetup.All.Count;

    /// <summary>Null when only the help was asked for.</summary>
    public static TemporalOptions? Parse(IReadOnlyList<string> arguments)
    {
        var options = new TemporalOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            var (name, given) = arguments[i].Split('=', 2) is [var left, var right] ? (left, right) : (arguments[i], null);
            if (name is "-h" or "--help")
                return null;
            string Value() => given ?? (++i < arguments.Count ? arguments[i] : throw new BenchmarkException($"{name} needs a value; see ./bench temporal --help"));
            options = name switch
            {
                "--workflows" => options with { Workflows = Number(name, Value()) },
                "--steps" => options with { Steps = Number(name, Value()) },
                "--at-once" => options with { AtOnce = Number(name, Value()) },
                "--runs" => options with { Runs = Number(name, Value()) },
                "--demos" => options with { Demos = Number(name, Value(), least: 0) },
                "--contenders" => options with { Contenders = Words(Value()) },
                "--servers" => options with { Servers = Words(Value()) },
                "--json" => options with { Json = Path.GetFullPath(Value()) },
                "--report" => options with { Report = Path.GetFullPath(Value()) },
                _ => throw new BenchmarkException($"no option {name}; see ./bench temporal --help"),
            };
        }

        return options;
    }

    private static string[] Words(string value) => value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static int Number(string name, string value, int least = 1) => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= 10_000
        ? number
        : throw new BenchmarkException($"{name} is a whole number from {least} to 10000, not '{value}'");
}
