using System.Text;
using StatefulRelocate.Benchmarks.Running;
using static StatefulRelocate.Benchmarks.Reports.Markdown;

namespace StatefulRelocate.Benchmarks.Reports;

/// <summary>The report as tables that read well in a terminal and on a page.</summary>
internal static class MarkdownReport
{
    public static string Write(BenchmarkResult result)
    {
        var text = new StringBuilder();
        Line(text, "# Snapshot benchmarks\n");
        Line(text, $"Written by `./bench`. Whole processes, the engines taking turns in the same run, {result.Options.Runs} run(s), scale {result.Options.Scale}, seed {result.Options.Seed}; the median, and [least - most] where there are several runs.\n");
        Line(text, $"Machine: {result.Machine}.\n");
        foreach (var engine in result.Engines)
            Line(text, $"- {engine.Name}: {engine.Version}{(engine.Notes.Length > 0 ? $" ({engine.Notes})" : "")}");
        if (result.Missing.Count > 0)
            Line(text, $"- not found here: {string.Join(", ", result.Missing)}");
        Line(text, "");
        WriteLimits(text, result);
        WriteTargets(text, result);
        foreach (var group in result.Log.Samples.GroupBy(s => (s.Set, s.Place)))
            WriteSet(text, result, group.Key.Set, group.Key.Place, [.. group]);
        foreach (var (heading, lines) in new[] { ("Notes", result.Log.Notes), ("What failed", result.Log.Failures) })
        {
            if (lines.Count == 0)
                continue;
            Line(text, $"## {heading}\n");
            foreach (var line in lines.Distinct())
                Line(text, $"- {line.ReplaceLineEndings(" ")}");
            Line(text, "");
        }

        return text.ToString().TrimEnd() + "\n";
    }

    private static void WriteLimits(StringBuilder text, BenchmarkResult result)
    {
        if (result.Limits is not { } limits)
            return;
        Line(text, "## Limits of the machine, in the same run\n");
        Table(text, ["what", "1 thread, GB/s", $"{result.Machine.Processors} threads, GB/s"],
            limits.All.Select(limit => (string[])[limit.What, Rate(limit.OneThread), Rate(limit.AllThreads)]));

        static string Rate(double? bytes) => bytes is { } known ? Number(known / 1e9) : "";
    }

    private static void WriteTargets(StringBuilder text, BenchmarkResult result)
    {
        var targets = Targets.Judge(result);
        if (targets.Count == 0)
            return;
        Line(text, $"## Targets: {targets.Count(target => target.Reached)} of {targets.Count} reached\n");
        if (result.Options.Scale != 1)
            Line(text, "The targets are meant for scale 1; at another scale fixed costs weigh differently.\n");
        Table(text, ["set", "what", "wanted", "measured", "reached", "at most"], targets.Select(t => (string[])[t.Set, t.What, t.Wanted, t.Measured, t.Reached ? "yes" : "**no**", t.AtMost]), numbers: false);
        if (targets.Any(t => t.AtMost.Length > 0))
            Line(text, "At most: what an engine would reach that took no processor time, while disk and page cache move the bytes that it has to read, and to write durably, at the limits above. restic does not sync what it restores.\n");
    }

    private static void WriteSet(StringBuilder text, BenchmarkResult result, string set, string place, List<Sample> samples)
    {
        Line(text, $"## {set} on {(place == "minio" ? "MinIO" : $"a {place}")}\n");
        if (result.Sets.TryGetValue(set, out var data))
            Line(text, $"{data.Description}.\n");
        var engines = samples.Select(s => s.Engine).Distinct().OrderBy(name => result.Engines.Select((e, i) => (e.Name, i)).FirstOrDefault(p => p.Name == name).i).ToList();
        List<string> operations = [.. Operations.All.Where(o => samples.Any(s => s.Operation == o)), .. samples.Select(s => s.Operation).Where(o => !Operations.All.Contains(o)).Distinct()];
        Line(text, "Seconds:\n");
        Figures(text, samples, engines, operations, Spread);
        Line(text, "CPU seconds:\n");
        Figures(text, samples, engines, operations, of => Number(Statistics.Median(of.Select(s => s.CpuSeconds))));
        Line(text, "Peak resident memory, MiB:\n");
        Figures(text, samples, engines, operations, of => Whole(Statistics.Median(of.Select(s => s.PeakBytes / 1048576.0))));
        Line(text, "Bytes added to the repository, MB:\n");
        Figures(text, samples, engines, [.. operations.Where(o => samples.Any(s => s.Operation == o && s.StoredBytes > 0))], of => Number(Statistics.Median(of.Select(s => s.StoredBytes / 1e6))));
        if (samples.Any(s => s.Requests is not null))
        {
            Line(text, "Requests to the server:\n");
            Figures(text, samples, engines, operations, of => Whole(Statistics.Median(of.Select(s => (double)(s.Requests ?? 0)))));
        }
    }

    private static void Figures(StringBuilder text, List<Sample> samples, List<string> engines, List<string> operations, Func<List<Sample>, string> show)
        => Table(text, ["", .. engines], operations.Select(operation => (string[])
        [
            operation,
            .. engines.Select(engine => samples.Where(s => s.Engine == engine && s.Operation == operation).ToList() is { Count: > 0 } of ? show(of) : "-"),
        ]));

    private static string Spread(List<Sample> samples)
    {
        var median = Number(Statistics.Median(samples.Select(s => s.Seconds)));
        return samples.Count == 1 ? median : $"{median} [{Number(samples.Min(s => s.Seconds))} - {Number(samples.Max(s => s.Seconds))}]";
    }
}
