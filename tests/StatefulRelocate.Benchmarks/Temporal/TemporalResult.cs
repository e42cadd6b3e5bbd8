using System.Globalization;
using System.Text.Json;
using StatefulRelocate.Benchmarks.Reports;

namespace StatefulRelocate.Benchmarks.Temporal;

/// <summary>All that the report is made of.</summary>
internal sealed record TemporalResult(TemporalOptions Options, MachineDescription Machine, IReadOnlyList<StepContender> Contenders, IReadOnlyList<ServerSetup> Servers, IReadOnlyList<string> Missing)
{
    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    /// <summary>What else the machine did when the benchmark began: processes that ran or waited for it, on average over a minute.</summary>
    public double LoadBefore { get; } = double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);

    public List<StepSample> Samples { get; } = [];

    public List<DemoDowntime> Demos { get; } = [];

    /// <summary>The runs of a contender on a server; one that needs none is the same beside each.</summary>
    public IReadOnlyList<StepSample> Of(ServerSetup server, StepContender contender) =>
        [.. Samples.Where(sample => sample.Contender == contender.Name && (sample.Server is null || sample.Server == server.Name))];

    /// <summary>A figure of ours by the Go SDK's, run by run: the two stood beside each other. Empty where one of them was not measured.</summary>
    public IReadOnlyList<double> Ratios(ServerSetup server, Func<StepSample, double> figure) =>
    [
        .. from ours in Samples
           join theirs in Samples on (ours.Run, ours.Server) equals (theirs.Run, theirs.Server)
           where ours.Contender == StepContender.Ours && theirs.Contender == StepContender.Go && ours.Server == server.Name
           select figure(ours) / figure(theirs),
    ];

    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            Machine,
            LoadBefore,
            Options.Load,
            Options.Runs,
            Contenders = Contenders.Select(static contender => new { contender.Name, contender.Description }),
            Servers,
            Missing,
            Samples,
            Demos,
        },
        s_json);
}
