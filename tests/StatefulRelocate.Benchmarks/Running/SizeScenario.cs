using StatefulRelocate.Benchmarks.DataSets;
using StatefulRelocate.Benchmarks.Engines;
using StatefulRelocate.Benchmarks.Places;
using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Running;

/// <summary>The final round of a volume and of one ten times as large, with the same 10 MiB changed, on a file system with reflinks.</summary>
internal sealed class SizeScenario(string program, double scale, ulong seed, BenchmarkLog log)
{
    public const string Cold = "final round, cold";
    public const string Warm = "final round, warm";
    public static readonly string[] Drivers = ["scan", "reflink"];

    public static string SetName(int gibibytes) => $"{gibibytes} GiB";

    public void Run(string directory, int run)
    {
        foreach (var size in new[] { 1, 10 })
        {
            var bytes = (long)(size * scale * (1L << 30));
            // The volume, its restored copy, what is stored of it, and what a round's copies add.
            using var volume = LoopVolume.TryMake(Path.Combine(directory, $"size-{size}"), (3 * bytes) + (1L << 30), out var reason);
            if (volume is null)
            {
                log.Note($"size: not measured: {reason}");
                return;
            }

            var source = Path.Combine(volume.Mount, "source");
            Directory.CreateDirectory(source);
            var set = new DatabaseSet(scale, seed, size * (1L << 30), (long)(10 * scale * (1 << 20)));
            set.Create(source);
            var round = 0;
            foreach (var driver in Drivers)
            {
                var engine = Engine(driver);
                if (engine is null)
                {
                    log.Note($"size: driver {driver} not measured: this build's 'snapshot create' has no --changed-ranges");
                    continue;
                }

                var own = Path.Combine(volume.Mount, driver);
                try
                {
                    Measure(new Contender(engine, new DirectoryPlace(Path.Combine(own, "repositories")), SetName(size), run, source, own), set, () => ++round);
                }
                catch (BenchmarkException error)
                {
                    log.Failed(engine.Name, $"size {size}", error.Message);
                }

                Directory.Delete(own, recursive: true);
            }
        }
    }

    private void Measure(Contender contender, DatabaseSet set, Func<int> next)
    {
        var source = contender.Setup.Source;
        contender.Initialize();
        log.Add(contender.Snapshot(Operations.First));
        log.Add(contender.Restore(Operations.FullRestore, inPlace: false));
        // A live round, from which the drivers know the state before.
        set.Change(source, next());
        contender.Snapshot("live");
        contender.Restore("live", inPlace: true);
        foreach (var cold in new[] { true, false })
        {
            set.Change(source, next());
            if (cold)
            {
                PageCache.Drop();
            }
            else
            {
                contender.Warm();
            }

            log.Add(Sample.Sum(cold ? Cold : Warm, contender.FinalSnapshot("delta"), contender.Restore("in-place", inPlace: true)));
            TreeEquality.Require(source, contender.Target, contender.Engine.Name);
        }
    }

    private RelocateEngine? Engine(string driver)
    {
        // Asked here, and not between the dropping of the page cache and the snapshot, which would warm the program.
        var help = Programs.Read(program, "snapshot", "create", "--help");
        string[] final = help.Contains("--quiesced", StringComparison.Ordinal) ? ["--quiesced"] : [];
        return help.Contains("--changed-ranges", StringComparison.Ordinal) ? new RelocateEngine(program, driver, "--changed-ranges", driver) { FinalOptions = final }
            : driver == "scan" ? new RelocateEngine(program, driver) { FinalOptions = final } : null;
    }
}
