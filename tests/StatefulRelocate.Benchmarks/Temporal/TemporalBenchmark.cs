using System.Globalization;
using StatefulRelocate.Benchmarks.Processes;
using StatefulRelocate.Benchmarks.Reports;

namespace StatefulRelocate.Benchmarks.Temporal;

/// <summary>All contenders in turn, in each run; each with a fresh server, so that nobody pays for the histories of another.</summary>
internal static class TemporalBenchmark
{
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        if (TemporalOptions.Parse(arguments) is not { } options)
        {
            Console.WriteLine(TemporalOptions.Help);
            return 0;
        }

        var missing = new List<string>();
        var contenders = StepContender.Find(options.Contenders, missing);
        var servers = ServerSetup.Find(options.Servers);
        var result = new TemporalResult(options, MachineDescription.Read(Path.GetTempPath()), contenders, servers, missing);
        Console.WriteLine(result.Machine);
        var turns = contenders.SelectMany(contender => contender.OnTemporal ? servers.Select(server => (contender, (ServerSetup?)server)) : [(contender, null)]).ToList();
        for (var run = 0; run < options.Runs; run++)
        {
            // Who goes first changes from run to run.
            foreach (var (contender, server) in turns.Skip(run % turns.Count).Concat(turns.Take(run % turns.Count)))
                result.Samples.Add(Told(await MeasureAsync(contender, server, options.Load, run)));
            for (var demo = 0; demo < options.Demos; demo++)
            {
                foreach (var engine in (string[])[DemoDowntime.Embedded, DemoDowntime.Temporal])
                {
                    if (DemoDowntime.Measure(engine, run) is { } measured)
                        result.Demos.Add(Told(measured));
                }
            }
        }

        Write(result);
        return 0;
    }

    private static async Task<StepSample> MeasureAsync(StepContender contender, ServerSetup? setup, Load load, int run)
    {
        await using var server = setup is null ? null : await setup.StartAsync();
        var before = server?.CpuTime;
        var measured = MeasuredProcess.Run(contender.Invocation(server?.Address ?? "", load));
        var used = server?.CpuTime - before;
        var phases = contender.Read(measured.Output);
        return phases.Count != load.Phases.Count
            ? throw new BenchmarkException($"{contender.Name} did not tell of {load.Phases.Count} phases:\n{measured.Output}")
            : new StepSample
            {
                Contender = contender.Name,
                Server = setup?.Name,
                Run = run,
                Phases = phases,
                Stages = server is null ? [] : await StepStages.ReadAsync(server, phases),
                CpuSeconds = measured.CpuSeconds,
                PeakBytes = measured.PeakBytes,
                ServerCpuSeconds = used?.TotalSeconds,
            };
    }

    private static StepSample Told(StepSample sample)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"run {sample.Run}  {sample.Contender,-9} {sample.Server,-5} one by one {sample.OneByOne.StepMedian,7:0.0} ms a step; at once {sample.AtOnce.StepsPerSecond,7:0.0} steps/s, {sample.AtOnce.StepMedian,7:0.0} ms a step; {sample.CpuSeconds,6:0.00} CPU-s, {sample.PeakBytes >> 20,4} MiB; server {sample.ServerCpuSeconds,6:0.00} CPU-s"));
        return sample;
    }

    private static DemoDowntime Told(DemoDowntime demo)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"run {demo.Run}  demo on {demo.Engine,-9} downtime {demo.DowntimeMs,5:0} ms, {demo.Hops} hops, {demo.WritesLost} writes lost"));
        return demo;
    }

    private static void Write(TemporalResult result)
    {
        var text = TemporalReport.Write(result);
        Console.WriteLine();
        Console.WriteLine(text);
        if (result.Options.Json is { } json)
            File.WriteAllText(json, result.ToJson());
        var report = result.Options.Report ?? (result.Options.IsComplete && Programs.RepositoryRoot() is { } root ? Path.Combine(root, "docs", "benchmarks", "temporal.md") : null);
        if (report is null)
            return;
        File.WriteAllText(report, text);
        Console.WriteLine($"written to {report}");
    }
}
