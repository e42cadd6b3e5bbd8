using System.Globalization;
using System.Text;
using StatefulRelocate.Benchmarks.Reports;
using static StatefulRelocate.Benchmarks.Reports.Markdown;

namespace StatefulRelocate.Benchmarks.Temporal;

/// <summary>The report of <c>./bench temporal</c>.</summary>
internal static class TemporalReport
{
    public static string Write(TemporalResult result)
    {
        var text = new StringBuilder();
        var load = result.Options.Load;
        Line(text, "# What a step costs on Temporal\n");
        Line(text, $"Written by `./bench temporal`: {load.Workflows} workflows of {load.Steps} steps that do nothing, one step after the other, {load.AtOnce} workflows at once; before them 20 workflows, one after the other. {result.Options.Runs} run(s); in each all take turns, each as one process with a development server of its own. The median, and [least - most] where there are several runs.\n");
        Line(text, $"Machine: {result.Machine}.\n");
        foreach (var contender in result.Contenders)
            Line(text, $"- {contender.Name}: {contender.Description}");
        foreach (var missing in result.Missing)
            Line(text, $"- not found here: {missing}");
        Line(text, "");
        WriteVerdict(text, result);
        Line(text, $"## {load.AtOnce} workflows at once\n");
        WriteFigures(text, result,
        [
            ("steps/s", static sample => sample.AtOnce.StepsPerSecond),
            ("ms a step, median", static sample => sample.AtOnce.StepMedian),
            ("ms a step, 95 %", static sample => sample.AtOnce.Step95),
        ]);
        Line(text, "## One workflow after the other\n");
        WriteFigures(text, result,
        [
            ("ms a step, median", static sample => sample.OneByOne.StepMedian),
            ("ms a step, 95 %", static sample => sample.OneByOne.Step95),
        ]);
        Line(text, "## The process, from its start to its end\n");
        WriteFigures(text, result,
        [
            ("CPU seconds", static sample => sample.CpuSeconds),
            ("of these many at once", static sample => sample.AtOnce.CpuSeconds),
            ("peak RSS, MiB", static sample => sample.PeakBytes / 1048576.0),
            ("server's CPU seconds", static sample => sample.ServerCpuSeconds),
        ]);
        Line(text, "## Where the time goes\n");
        Line(text, "Milliseconds of a step by the server's times of its events, as median (95th percentile); the server gives tasks to workers and takes their results, so queues and hops are in them.\n");
        WriteStages(text, result, "One workflow after the other", static sample => sample.Stages[^2], static sample => sample.OneByOne);
        WriteStages(text, result, $"{load.AtOnce} at once", static sample => sample.Stages[^1], static sample => sample.AtOnce);
        return text.ToString().TrimEnd() + "\n";
    }

    private static void WriteVerdict(StringBuilder text, TemporalResult result)
    {
        var speed = result.Ratios(static sample => sample.AtOnce.StepsPerSecond);
        if (speed.Count == 0)
            return;
        Line(text, "## Ours by the Go SDK's, run by run\n");
        Table(text, ["", "ratio", "wanted", "reached"],
        [
            Row("steps/s, many at once", speed, wanted: 1, atLeast: true),
            Row("ms a step, one after the other", result.Ratios(static sample => sample.OneByOne.StepMedian), wanted: 1.05, atLeast: false),
        ], numbers: false);

        static string[] Row(string what, IReadOnlyList<double> ratios, double wanted, bool atLeast)
        {
            var median = Statistics.Median(ratios);
            return [what, Spread(ratios), string.Create(CultureInfo.InvariantCulture, $"{(atLeast ? "at least" : "at most")} {wanted}"), (atLeast ? median >= wanted : median <= wanted) ? "yes" : "**no**"];
        }
    }

    private static void WriteFigures(StringBuilder text, TemporalResult result, IReadOnlyList<(string What, Func<StepSample, double?> Figure)> figures) =>
        Table(text, ["", .. result.Contenders.Select(static contender => contender.Name)], figures.Select(row => (string[])
        [
            row.What,
            .. result.Contenders.Select(contender => Spread([.. result.Of(contender.Name).Select(row.Figure).OfType<double>()])),
        ]));

    private static void WriteStages(StringBuilder text, TemporalResult result, string heading, Func<StepSample, StepStages> stages, Func<StepSample, PhaseFigures> phase)
    {
        var contenders = result.Contenders.Where(static contender => contender.OnTemporal).ToList();
        string[] Of(string what, Func<StepStages, Figure> figure) => [what, .. contenders.Select(contender => Times([.. result.Of(contender.Name).Select(sample => figure(stages(sample)))]))];
        string[] One(string what, Func<StepSample, double?> figure) => [what, .. contenders.Select(contender => Spread([.. result.Of(contender.Name).Select(figure).OfType<double>()]))];
        Line(text, $"{heading}:\n");
        Table(text, ["", .. contenders.Select(static contender => contender.Name)],
        [
            Of("scheduled, until an agent's worker has it", static each => each.ToAgent),
            Of("until its result is there", static each => each.Activity),
            Of("until the workflow's worker has it", static each => each.ToWorkflow),
            Of("until the next step is scheduled", static each => each.WorkflowTask),
            One("  of these inside the workflow's worker", sample => phase(sample).TaskMedian),
            One("events of a workflow", sample => stages(sample).Events),
            One("KiB of its history", sample => stages(sample).Bytes / 1024),
        ]);
    }

    private static string Times(IReadOnlyList<Figure> figures) =>
        $"{Number(Statistics.Median(figures.Select(static figure => figure.Median)))} ({Number(Statistics.Median(figures.Select(static figure => figure.P95)))})";

    private static string Spread(IReadOnlyList<double> values) => values.Count switch
    {
        0 => "-",
        1 => Number(values[0]),
        _ => $"{Number(Statistics.Median(values))} [{Number(values.Min())} - {Number(values.Max())}]",
    };
}
