using StatefulRelocate.Benchmarks.Engines;
using StatefulRelocate.Benchmarks.Running;

namespace StatefulRelocate.Benchmarks.Reports;

/// <summary>One thing to reach.</summary>
/// <param name="Set">The data set, and the place where it is not a directory.</param>
/// <param name="What">What is compared.</param>
/// <param name="Wanted">In words.</param>
/// <param name="Measured">In words.</param>
/// <param name="Reached">Whether it is.</param>
/// <param name="AtMost">What the machine allows (see <see cref="LeastTime"/>), in words; empty where that is not known.</param>
internal sealed record Target(string Set, string What, string Wanted, string Measured, bool Reached, string AtMost = "");

/// <summary>The ratios that this engine is to reach against restic of the same run.</summary>
internal static class Targets
{
    private const string Restic = "restic";
    private const string Directory = "directory";

    // Times as a factor by which ours is faster.
    private static readonly (string Set, string Operation, double Factor)[] s_faster =
    [
        ("db", Operations.First, 4), ("db", Operations.Unchanged, 20), ("db", Operations.DeltaCold, 10), ("db", Operations.DeltaWarm, 30),
        ("db", Operations.FullRestore, 1.7), ("db", Operations.InPlace, 40), ("db", Operations.FinalRound, 40),
        ("big", Operations.First, 3), ("big", Operations.Unchanged, 10), ("big", Operations.DeltaCold, 4), ("big", Operations.DeltaWarm, 8),
        ("big", Operations.FullRestore, 1.3), ("big", Operations.InPlace, 8), ("big", Operations.FinalRound, 8),
        ("small", Operations.First, 2), ("small", Operations.Unchanged, 4), ("small", Operations.DeltaCold, 4), ("small", Operations.DeltaWarm, 4),
        ("small", Operations.FullRestore, 1.5), ("small", Operations.InPlace, 4), ("small", Operations.FinalRound, 4),
    ];

    public static IReadOnlyList<Target> Judge(BenchmarkResult result)
    {
        var judged = new List<Target>();
        foreach (var (set, operation, factor) in s_faster)
        {
            if (Ratio(result, set, Directory, Restic, operation, s => s.Seconds) is { } ratio)
                judged.Add(new Target(set, operation, Text($"{factor:0.#}x faster than restic"), Text($"{ratio:0.0}x"), ratio >= factor, AtMost(result, set, operation)));
        }

        if (result.Median("db", Directory, RelocateEngine.Ours, Operations.FinalRound, s => s.Seconds) is { } final && result.Options.Scale == 1)
            judged.Add(new Target("db", Operations.FinalRound, "under 0.35 s", Text($"{final:0.000} s"), final < 0.35));
        foreach (var (set, factor) in new[] { ("db", 30.0), ("big", 1), ("small", 1) })
        {
            if (Ratio(result, set, Directory, Restic, Operations.DeltaCold, s => s.StoredBytes) is { } ratio)
                judged.Add(new Target(set, "bytes added by the delta", factor > 1 ? Text($"{factor:0}x fewer than restic") : "no more than restic", Text($"{ratio:0.0}x fewer"), ratio >= factor));
            if (Peak(result, set, RelocateEngine.Ours) is { } ours && Peak(result, set, Restic) is { } restic)
                judged.Add(new Target(set, "peak RSS of all operations", "no more than 2x restic's", Text($"{ours / restic:0.0}x ({ours / 1048576:0} of {restic / 1048576:0} MiB)"), ours <= 2 * restic));
        }

        AddServer(result, judged);
        AddSize(result, judged);
        return judged;
    }

    private static void AddServer(BenchmarkResult result, List<Target> judged)
    {
        const string server = "minio";
        foreach (var set in new[] { "db", "big", "small" })
        {
            if (result.Median(set, server, RelocateEngine.Ours, Operations.FinalRound, s => s.Seconds) is { } there
                && result.Median(set, Directory, RelocateEngine.Ours, Operations.FinalRound, s => s.Seconds) is { } here)
                judged.Add(new Target($"{set} on MinIO", Operations.FinalRound, "at most 0.2 s above the directory's", Text($"{there - here:+0.000;-0.000} s"), there - here <= 0.2));
            foreach (var operation in Operations.All)
            {
                if (Ratio(result, set, server, "rustic", operation, s => s.Seconds) is { } ratio)
                    judged.Add(new Target($"{set} on MinIO", operation, "no slower than rustic", Text($"{ratio:0.0}x"), ratio >= 1));
            }
        }
    }

    private static void AddSize(BenchmarkResult result, List<Target> judged)
    {
        foreach (var driver in SizeScenario.Drivers)
        {
            foreach (var operation in new[] { SizeScenario.Warm, SizeScenario.Cold })
            {
                if (result.Median(SizeScenario.SetName(1), Directory, driver, operation, s => s.Seconds) is { } small
                    && result.Median(SizeScenario.SetName(10), Directory, driver, operation, s => s.Seconds) is { } large)
                    judged.Add(new Target($"size, {driver}", operation, driver == "scan" ? "(the slope)" : "10x the volume at most 1.5x as long", Text($"{large / small:0.00}x ({small:0.000} -> {large:0.000} s)"), driver == "scan" || large <= 1.5 * small));
            }
        }
    }

    private static double? Ratio(BenchmarkResult result, string set, string place, string peer, string operation, Func<Sample, double> figure)
        => result.Median(set, place, peer, operation, figure) is { } theirs && result.Median(set, place, RelocateEngine.Ours, operation, figure) is { } ours && ours > 0 ? theirs / ours : null;

    private static string AtMost(BenchmarkResult result, string set, string operation)
        => result.Median(set, Directory, Restic, operation, s => s.Seconds) is { } restic && LeastTime.Of(result, set, Directory, operation) is { } least && least > 0 ? Text($"{restic / least:0.0}x") : "";

    private static double? Peak(BenchmarkResult result, string set, string engine)
        => Operations.All.Select(operation => result.Median(set, Directory, engine, operation, s => s.PeakBytes)).Max();

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
