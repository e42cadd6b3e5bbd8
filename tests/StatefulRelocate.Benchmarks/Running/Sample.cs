using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Running;

/// <summary>One measured operation of one engine.</summary>
internal sealed record Sample
{
    public required string Set { get; init; }

    public required string Place { get; init; }

    public required string Engine { get; init; }

    public required string Operation { get; init; }

    public required int Run { get; init; }

    public required double Seconds { get; init; }

    public required double CpuSeconds { get; init; }

    /// <summary>The largest resident set of the operation's processes.</summary>
    public required long PeakBytes { get; init; }

    /// <summary>By how much the repository grew.</summary>
    public long StoredBytes { get; init; }

    /// <summary>Requests that the server answered meanwhile; null where nobody counts.</summary>
    public long? Requests { get; init; }

    public static Sample Of(string set, string place, string engine, string operation, int run, Measurement measured, long stored, long? requests) => new()
    {
        Set = set,
        Place = place,
        Engine = engine,
        Operation = operation,
        Run = run,
        Seconds = measured.Seconds,
        CpuSeconds = measured.CpuSeconds,
        PeakBytes = measured.PeakBytes,
        StoredBytes = stored,
        Requests = requests,
    };

    /// <summary>Two operations, one after the other, as one.</summary>
    public static Sample Sum(string operation, Sample first, Sample second) => first with
    {
        Operation = operation,
        Seconds = first.Seconds + second.Seconds,
        CpuSeconds = first.CpuSeconds + second.CpuSeconds,
        PeakBytes = Math.Max(first.PeakBytes, second.PeakBytes),
        StoredBytes = first.StoredBytes + second.StoredBytes,
        Requests = first.Requests + second.Requests,
    };
}

/// <summary>The operations, in the order in which they run.</summary>
internal static class Operations
{
    public const string First = "first";
    public const string Unchanged = "unchanged";
    public const string DeltaCold = "delta, cold";
    public const string FullRestore = "full restore";
    public const string DeltaWarm = "delta, warm";
    public const string InPlace = "in-place restore";
    public const string FinalRound = "final round";

    public static IReadOnlyList<string> All { get; } = [First, Unchanged, DeltaCold, DeltaWarm, FullRestore, InPlace, FinalRound];
}
