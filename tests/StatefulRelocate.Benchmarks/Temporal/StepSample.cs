namespace StatefulRelocate.Benchmarks.Temporal;

/// <summary>One contender in one run.</summary>
internal sealed record StepSample
{
    public required string Contender { get; init; }

    /// <summary>The name of the server's setup; null where there was no server.</summary>
    public required string? Server { get; init; }

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

    /// <summary>CPU milliseconds of the process by the steps of the last phase, or null where only the whole process is measured.</summary>
    public double? CpuOfStep(Load load) => AtOnce.CpuSeconds * 1000 / (load.Workflows * load.Steps);
}
