using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using StatefulRelocate.Benchmarks.Processes;
using StatefulRelocate.Benchmarks.Temporal.Workloads;

namespace StatefulRelocate.Benchmarks.Temporal;

/// <summary>Something that runs the load as a process of its own.</summary>
/// <param name="Name">Its name in the report and on the command line.</param>
/// <param name="Description">What it is.</param>
internal abstract partial record StepContender(string Name, string Description)
{
    public const string Ours = "relocate";
    public const string Go = "go";

    /// <summary>Whether it needs a Temporal server.</summary>
    public virtual bool OnTemporal => true;

    /// <summary>The process.</summary>
    /// <param name="address">The Temporal server, or empty where none is needed.</param>
    /// <param name="load">What to run.</param>
    public abstract Invocation Invocation(string address, Load load);

    /// <summary>The figures of each phase, from what the process printed.</summary>
    public abstract IReadOnlyList<PhaseFigures> Read(string output);

    /// <summary>All that can run here, in the order of the report.</summary>
    public static IReadOnlyList<StepContender> Find(IReadOnlyCollection<string> wanted, ICollection<string> missing)
    {
        List<StepContender> all =
        [
            new Own(Ours, "our workflow over the saga machine, the agent's activity worker, and an agent behind its socket", WorkloadProcess.OnTemporal),
            new Own("recorded", "the same with steps whose effects the agent records: two fsyncs a step", WorkloadProcess.OnTemporalRecorded),
            new Own("embedded", "our embedded engine, its journal on disk, over the same agent", WorkloadProcess.Embedded),
        ];
        if (Programs.Find("temporal-go-bench", "TEMPORAL_GO_BENCH") is { } program)
            all.Insert(1, new GoSdk(program));
        else
            missing.Add(Go);
        if (wanted.FirstOrDefault(name => all.TrueForAll(contender => contender.Name != name)) is { } unknown)
            throw new BenchmarkException($"no contender '{unknown}'; there are {string.Join(", ", all.Select(contender => contender.Name))}");
        return wanted.Count == 0 ? all : [.. all.Where(contender => wanted.Contains(contender.Name))];
    }

    private sealed record Own(string Name, string Description, string Engine) : StepContender(Name, Description)
    {
        public override bool OnTemporal => Engine != WorkloadProcess.Embedded;

        // As our programs are set (build/Worker.props); they are published ReadyToRun besides, and this one compiles all of itself as it runs.
        public override Invocation Invocation(string address, Load load) => new(
            Environment.ProcessPath!, [WorkloadProcess.Word, Engine, address, Text(load.Workflows), Text(load.Steps), Text(load.AtOnce)])
        {
            Environment = new Dictionary<string, string> { ["DOTNET_TieredCompilation"] = "1", ["DOTNET_TieredPGO"] = "0" },
        };

        public override IReadOnlyList<PhaseFigures> Read(string output) => JsonSerializer.Deserialize<List<PhaseFigures>>(output)!;
    }

    private sealed partial record GoSdk(string Program) : StepContender(Go, "Temporal's Go SDK, a workflow that executes activities in a loop; workflow worker, activity worker and client in one process")
    {
        public override Invocation Invocation(string address, Load load) =>
            new(Program, ["-address", address, "-n", Text(load.Workflows), "-k", Text(load.Steps), "-c", Text(load.AtOnce)]);

        public override IReadOnlyList<PhaseFigures> Read(string output) =>
        [
            .. Line().Matches(output).Select(static line => new PhaseFigures(
                int.Parse(line.Groups["n"].ValueSpan, CultureInfo.InvariantCulture),
                int.Parse(line.Groups["c"].ValueSpan, CultureInfo.InvariantCulture),
                double.Parse(line.Groups["rate"].ValueSpan, CultureInfo.InvariantCulture),
                Milliseconds(line.Groups["p50"].Value) / double.Parse(line.Groups["k"].ValueSpan, CultureInfo.InvariantCulture),
                Milliseconds(line.Groups["p95"].Value) / double.Parse(line.Groups["k"].ValueSpan, CultureInfo.InvariantCulture))),
        ];

        // 1m2.345s, 617ms
        private static double Milliseconds(string duration) => Part().Matches(duration).Sum(static part =>
            double.Parse(part.Groups[1].ValueSpan, CultureInfo.InvariantCulture) * part.Groups[2].Value switch { "h" => 3_600_000, "m" => 60_000, "s" => 1000, "ms" => 1, _ => 0.001 });

        [GeneratedRegex(@"^n=(?<n>\d+) k=(?<k>\d+) c=(?<c>\d+): .* (?<rate>[\d.]+) activities/s, workflow p50 (?<p50>\S+) p95 (?<p95>\S+),", RegexOptions.Multiline)]
        private static partial Regex Line();

        [GeneratedRegex(@"([\d.]+)(h|ms|m|s|µs)")]
        private static partial Regex Part();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
