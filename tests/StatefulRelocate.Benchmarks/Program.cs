using StatefulRelocate.Benchmarks.DataSets;
using StatefulRelocate.Benchmarks.Engines;
using StatefulRelocate.Benchmarks.Limits;
using StatefulRelocate.Benchmarks.Places;
using StatefulRelocate.Benchmarks.Processes;
using StatefulRelocate.Benchmarks.Reports;
using StatefulRelocate.Benchmarks.Running;
using StatefulRelocate.Benchmarks.Temporal;
using StatefulRelocate.Benchmarks.Temporal.Workloads;

namespace StatefulRelocate.Benchmarks;

/// <summary>Measures, reports; asserts no time.</summary>
internal static class Program
{
    public static int Main(string[] arguments)
    {
        try
        {
            switch (arguments)
            {
                case ["temporal", .. var rest]:
                    return TemporalBenchmark.RunAsync(rest).GetAwaiter().GetResult();
                case [WorkloadProcess.Word, .. var rest]:
                    return WorkloadProcess.RunAsync(rest).GetAwaiter().GetResult();
            }

            if (BenchOptions.Parse(arguments) is { } options)
                return Run(options);
            Console.WriteLine(BenchOptions.Help);
            return 0;
        }
        catch (BenchmarkException error)
        {
            Console.Error.WriteLine($"bench: {error.Message}");
            return 2;
        }
    }

    private static int Run(BenchOptions options)
    {
        var missing = new List<string>();
        var engines = EngineDiscovery.Find(options.Relocate, options.Engines, missing);
        if (engines.Count == 0)
            throw new BenchmarkException("no engine was found");
        var log = new BenchmarkLog(Console.Out);
        var work = Path.Combine(options.Work, $"relocate-bench-{Environment.ProcessId}");
        Directory.CreateDirectory(work);
        try
        {
            var result = new BenchmarkResult(options, MachineDescription.Read(work), engines, missing) { Sets = Sets(options) };
            log.Say($"{result.Machine}\n{string.Join('\n', engines.Select(engine => $"{engine.Name}: {engine.Version}"))}");
            RequireSpace(options, engines.Count, work);
            result.Limits = MachineLimits.Measure(work, Math.Min(1, options.Scale * 4));
            for (var run = 0; run < options.Runs; run++)
            {
                foreach (var set in options.Sets)
                    RunSet(set, run, options, engines, log, Path.Combine(work, $"{set.Replace(':', '-')}-{run}"));
            }

            result.Log = log;
            Write(options, result);
            return log.Failures.Any(failure => failure.StartsWith(RelocateEngine.Ours, StringComparison.Ordinal)) ? 1 : 0;
        }
        finally
        {
            Remove(work);
        }
    }

    private static void RunSet(string set, int run, BenchOptions options, IReadOnlyList<Engine> engines, BenchmarkLog log, string directory)
    {
        // One run of it takes minutes, and its figures are compared with themselves.
        if (set == "size" && run > 0)
            return;
        log.Say($"{set}, run {run}");
        Directory.CreateDirectory(directory);
        try
        {
            if (set == "size")
            {
                if (engines.FirstOrDefault(engine => engine is RelocateEngine) is { } ours)
                    new SizeScenario(ours.Program, options.Scale, options.Seed, log).Run(directory, run);
                return;
            }

            var onServer = set.StartsWith("s3", StringComparison.Ordinal);
            var scenario = new RoundsScenario(DataSet.Make(set switch { "s3" => "db", _ when onServer => set[3..], _ => set }, options.Scale, options.Seed), engines, log);
            using Place? place = onServer ? MinioPlace.Start(Path.Combine(directory, "minio")) : new DirectoryPlace(Path.Combine(directory, "repositories"));
            if (place is null)
                log.Note($"{set}: not measured: no minio in MINIO, on PATH or in a folder shared/bin above the repository");
            else
                scenario.Run(place, Path.Combine(directory, "volumes"), run);
        }
        finally
        {
            // Many files stay until the end: for some minutes ext4 passes over the inodes of deleted ones, and whoever makes new ones then takes several times as long.
            if (!HasManyFiles(set))
                Remove(directory);
        }
    }

    private static bool HasManyFiles(string set) => set.EndsWith("small", StringComparison.Ordinal);

    private static Dictionary<string, DataSet> Sets(BenchOptions options)
        => new[] { "db", "big", "small" }.ToDictionary(name => name, name => DataSet.Make(name, options.Scale, options.Seed));

    // Every engine has a repository and a restored copy beside the one source; a loop volume has three times its size.
    private static void RequireSpace(BenchOptions options, int engines, string work)
    {
        static double Gibibytes(string set, int engines) => set switch
        {
            "size" => 31.0,
            "big" or "s3:big" => 2 + (3.5 * engines),
            _ => 1 + (1.8 * engines),
        };
        var most = (options.Sets.Where(HasManyFiles).Sum(set => Gibibytes(set, engines)) * options.Runs
            + options.Sets.Where(set => !HasManyFiles(set)).Select(set => Gibibytes(set, engines)).DefaultIfEmpty().Max()) * options.Scale * (1L << 30);
        var free = new DriveInfo(work).AvailableFreeSpace;
        if (free < most)
            throw new BenchmarkException($"{work}: {free / 1e9:0.#} GB are free and up to {most / 1e9:0.#} GB are needed; name another place with --work, or a smaller --scale");
    }

    private static void Write(BenchOptions options, BenchmarkResult result)
    {
        var text = MarkdownReport.Write(result);
        Console.WriteLine();
        Console.WriteLine(text);
        if (options.Json is { } json)
            File.WriteAllText(json, JsonReport.Write(result));
        var complete = options.Scale == 1 && options.Engines.Count == 0 && new[] { "db", "big", "small" }.All(options.Sets.Contains);
        var report = options.Report ?? (complete && Programs.RepositoryRoot() is { } root ? Path.Combine(root, "docs", "benchmarks", "snapshots.md") : null);
        if (report is null)
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(report)!);
        File.WriteAllText(report, text);
        Console.WriteLine($"written to {report}");
    }

    private static void Remove(string directory)
    {
        if (Directory.Exists(directory))
            Directory.Delete(directory, recursive: true);
    }
}
