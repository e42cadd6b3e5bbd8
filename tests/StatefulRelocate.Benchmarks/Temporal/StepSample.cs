using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Temporal;

/// <summary>One contender in one run.</summary>
internal sealed record StepSample
{
    public required string Contender { get; init; }

    public required int Run { get; init; }

    /// <summary>The phases in their order: the warm-up, one workflow after the other, many at once.</summary>
    public required IReadOnlyList<PhaseFigures> Phases { get; init; }

    /// <summary>As many; empty without a server.</summary>
    public required IReadOnlyList<StepStages> Stages { get; init; }

    /// <summary>The whole process, from its start to its end.</summary>
    public required double CpuSeconds { get; init; }

    public required long PeakBytes { get; init; }

    /// <summary>CPU seconds of the server meanwhile, or null.</summary>
    public required double? ServerCpuSeconds { get; init; }

    public PhaseFigures OneByOne => Phases[^2];

    public PhaseFigures AtOnce => Phases[^1];

    public static StepSample Of(string contender, int run, Measurement measured, IReadOnlyList<PhaseFigures> phases, IReadOnlyList<StepStages> stages, double? server) => new()
    {
        Contender = contender,
        Run = run,
        Phases = phases,
        Stages = stages,
        CpuSeconds = measured.CpuSeconds,
        PeakBytes = measured.PeakBytes,
        ServerCpuSeconds = server,
    };
}
