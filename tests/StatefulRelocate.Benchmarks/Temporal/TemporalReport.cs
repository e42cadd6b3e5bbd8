using System.Globalization;
using System.Text;
using StatefulRelocate.Benchmarks.Reports;
using static StatefulRelocate.Benchmarks.Reports.Markdown;

namespace StatefulRelocate.Benchmarks.Temporal;

/// <summary>The report of <c>./bench temporal</c>.</summary>
internal static class TemporalReport
{
    /// <summary>Above it somebody else works too.</summary>
    private const double QuietLoad = 1;

    public static string Write(TemporalResult result)
    {
        var text = new StringBuilder();
        var load = result.Options.Load;
        Line(text, "# What a step costs on Temporal\n");
        Line(text, $"Written by `./bench temporal`: {load.Workflows} workflows of {load.Steps} steps that do nothing, one step after the other, {load.AtOnce} workflows at once; before them 20 workflows, one after the other. {result.Options.Runs} run(s); in each all take turns, each as one process with a development server of its own. The median, and [least - most] where there are several runs.\n");
        Line(text, $"Machine: {result.Machine}.\n");
        Line(text, $"{(result.LoadBefore > QuietLoad ? "**Disturbed**: the" : "The")} machine's load was {result.LoadBefore:0.0} when it began{(result.LoadBefore > QuietLoad ? ", so other work is in all times; only ratios of one run are worth a look" : "")}.\n");
        foreach (var contender in result.Contenders)
            Line(text, $"- {contender.Name}: {contender.Description}");
        Line(text, "- relocate, recorded and embedded compile themselves as they run, which is most of their CPU time here; `relocate-server` and `relocate-agent` are published ReadyToRun");
        foreach (var server in result.Servers)
            Line(text, $"- the {server.Name} server: {server.Description}");
        foreach (var missing in result.Missing)
            Line(text, $"- not found here: {missing}");
        Line(text, "");
        WriteVerdict(text, result);
        WriteDemos(text, result);
        foreach (var server in result.Servers)
        {
            Line(text, $"## On the {server.Name} server\n");
            WriteFigures(text, result, server);
            Line(text, "Where the time of a step goes, in milliseconds by the server's times of its events, as median (95th percentile): all four are hops to or from the server too.\n");
            Line(text, "One workflow after the other:\n");
            WriteStages(text, result, server, static sample => sample.Stages[^2], static sample => sample.OneByOne);
            Line(text, $"{load.AtOnce} at once:\n");
            WriteStages(text, result, server, static sample => sample.Stages[^1], static sample => sample.AtOnce);
        }

        return text.ToString().TrimEnd() + "\n";
    }

    private static void WriteVerdict(StringBuilder text, TemporalResult result)
    {
        var rows = new List<string[]>();
        foreach (var server in result.Servers)
        {
            Add("steps/s, many at once", result.Ratios(server, static sample => sample.AtOnce.StepsPerSecond), wanted: 1, atLeast: true);
            Add("ms a step, one after the other", result.Ratios(server, static sample => sample.OneByOne.StepMedian), wanted: 1.05, atLeast: false);

            void Add(string what, IReadOnlyList<double> ratios, double wanted, bool atLeast)
            {
                if (ratios.Count == 0)
                    return;
                var median = Statistics.Median(ratios);
                var reached = atLeast ? median >= wanted : median <= wanted;
                rows.Add([$"{server.Name} server", what, string.Create(CultureInfo.InvariantCulture, $"{(atLeast ? "at least" : "at most")} {wanted}"), Spread(ratios), reached ? "yes" : "**no**"]);
            }
        }

        if (rows.Count == 0)
            return;
        Line(text, "## Ours by the Go SDK's, run by run\n");
        Table(text, ["", "what", "wanted", "measured", "reached"], rows, numbers: false);
    }

    /// <summary>The demo's clients see what all of it costs: its blackout goes through the engine three times.</summary>
    private static void WriteDemos(StringBuilder text, TemporalResult result)
    {
        if (result.Demos.Count == 0)
            return;
        Line(text, "## The demo's downtime\n");
        Line(text, $"`relocate demo` on each engine in turn, {result.Options.Demos} times in each run; on Temporal with a development server of its own, the {DemoDowntime.Server} one.\n");
        var engines = result.Demos.GroupBy(static demo => demo.Engine).ToList();
        Table(text, ["", .. engines.Select(static engine => engine.Key)],
        [
            ["downtime, ms", .. engines.Select(static engine => Spread([.. engine.Select(static demo => demo.DowntimeMs)]))],
            ["hops in the blackout", .. engines.Select(static engine => Whole(engine.Max(static demo => demo.Hops)))],
            ["acknowledged writes lost", .. engines.Select(static engine => Whole(engine.Sum(static demo => demo.WritesLost)))],
        ]);
        var steps = result.Samples.Where(static sample => sample.Contender == StepContender.Ours && sample.Server == DemoDowntime.Server).Select(static sample => sample.OneByOne.StepMedian).ToList();
        if (steps.Count == 0 || engines.Count < 2)
            return;
        double Downtime(string engine) => Statistics.Median(result.Demos.Where(demo => demo.Engine == engine).Select(static demo => demo.DowntimeMs));
        var (above, allowed) = (Downtime(DemoDowntime.Temporal) - Downtime(DemoDowntime.Embedded), (3 * Statistics.Median(steps)) + 100);
        Line(text, $"On Temporal {Number(above)} ms above the embedded engine's, by the medians; wanted: at most three steps of the same run and 100 ms, {Number(allowed)} ms: {(above <= allowed ? "reached" : "**not reached**")}.\n");
    }

    private static void WriteFigures(StringBuilder text, TemporalResult result, ServerSetup server)
    {
        var load = result.Options.Load;
        Rows(text, result.Contenders,
        [
            Row($"{load.AtOnce} at once: steps/s", static sample => sample.AtOnce.StepsPerSecond),
            Row("- ms a step, median", static sample => sample.AtOnce.StepMedian),
            Row("- ms a step, 95 %", static sample => sample.AtOnce.Step95),
            Row("- CPU ms a step", sample => sample.CpuOfStep(load)),
            Row("one after the other: ms a step, median", static sample => sample.OneByOne.StepMedian),
            Row("- 95 %", static sample => sample.OneByOne.Step95),
            Row("the whole process: CPU seconds", static sample => sample.CpuSeconds),
            Row("- peak RSS, MiB", static sample => sample.PeakBytes / 1048576.0),
            Row("the server: CPU seconds", static sample => sample.ServerCpuSeconds),
        ]);

        (string, Func<StepContender, string>) Row(string what, Func<StepSample, double?> figure) =>
            (what, contender => Spread([.. result.Of(server, contender).Select(figure).OfType<double>()]));
    }

    private static void WriteStages(StringBuilder text, TemporalResult result, ServerSetup server, Func<StepSample, StepStages> stages, Func<StepSample, PhaseFigures> phase)
    {
        Rows(text, [.. result.Contenders.Where(static contender => contender.OnTemporal)],
        [
            Stage("scheduled, until an agent's worker has it", static each => each.ToAgent),
            Stage("until its result is there", static each => each.Activity),
            Stage("until the workflow's worker has it", static each => each.ToWorkflow),
            Stage("until the next step is scheduled", static each => each.WorkflowTask),
            Row("- of these inside the workflow's worker, mean of whole ms", sample => phase(sample).TaskMean),
            Row("events of a workflow", sample => stages(sample).Events),
            Row("KiB of its history", sample => stages(sample).Bytes / 1024),
        ]);

        (string, Func<StepContender, string>) Stage(string what, Func<StepStages, Figure> figure) =>
            (what, contender => Times([.. result.Of(server, contender).Select(sample => figure(stages(sample)))]));

        (string, Func<StepContender, string>) Row(string what, Func<StepSample, double?> figure) =>
            (what, contender => Spread([.. result.Of(server, contender).Select(figure).OfType<double>()]));
    }

    private static void Rows(StringBuilder text, IReadOnlyList<StepContender> contenders, IReadOnlyList<(string What, Func<StepContender, string> Cell)> rows) =>
        Table(text, ["", .. contenders.Select(static contender => contender.Name)], rows.Select(row => (string[])[row.What, .. contenders.Select(row.Cell)]));

    private static string Times(IReadOnlyList<Figure> figures) =>
        $"{Number(Statistics.Median(figures.Select(static figure => figure.Median)))} ({Number(Statistics.Median(figures.Select(static figure => figure.P95)))})";

    private static string Spread(IReadOnlyList<double> values) => values.Count switch
    {
        0 => "-",
        1 => Number(values[0]),
        _ => $"{Number(Statistics.Median(values))} [{Number(values.Min())} - {Number(values.Max())}]",
    };
}
