using System.Globalization;
using System.Text.Json;

namespace StatefulRelocate.Benchmarks.Temporal.Workloads;

/// <summary>This program once more, as the process that is measured: <c>temporal-workload ENGINE ADDRESS WORKFLOWS STEPS AT-ONCE</c>; prints its figures as JSON.</summary>
internal static class WorkloadProcess
{
    public const string Word = "temporal-workload";
    public const string OnTemporal = "temporal";
    public const string OnTemporalRecorded = "temporal-recorded";
    public const string Embedded = "embedded";

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        if (arguments is not [var engine, var address, var workflows, var steps, var atOnce])
            throw new BenchmarkException($"{Word} is run by 'bench temporal'");
        var load = new Load(Number(workflows), Number(steps), Number(atOnce));
        var figures = engine == Embedded
            ? await EmbeddedWorkload.RunAsync(load, recorded: false)
            : await TemporalWorkload.RunAsync(address, load, recorded: engine == OnTemporalRecorded);
        Console.WriteLine(JsonSerializer.Serialize(figures));
        return 0;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
