using System.Text.Json;
using StatefulRelocate.Benchmarks.Reports;

namespace StatefulRelocate.Benchmarks.Temporal;

/// <summary>All that the report is made of.</summary>
internal sealed record TemporalResult(TemporalOptions Options, MachineDescription Machine, IReadOnlyList<StepContender> Contenders, IReadOnlyList<string> Missing)
{
    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public List<StepSample> Samples { get; } = [];

    public IReadOnlyList<StepSample> Of(string contender) => [.. Samples.Where(sample => sample.Contender == contender)];

    /// <summary>A figure of ours by the Go SDK's, run by run: the two stood beside each other. Empty where one of them was not measured.</summary>
    public IReadOnlyList<double> Ratios(Func<StepSample, double> figure) =>
    [
        .. from ours in Of(StepContender.Ours)
           join theirs in Of(StepContender.Go) on ours.Run equals theirs.Run
           select figure(ours) / figure(theirs),
    ];

    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            Machine,
            Options.Load,
            Options.Runs,
            Contenders = Contenders.Select(static contender => new { contender.Name, contender.Description }),
            Missing,
            Samples,
        },
        s_json);
}
