using StatefulRelocate.Activities.Durability;
using StatefulRelocate.Clusters;

namespace StatefulRelocate.Activities.Blackout;

/// <summary>Which side of a cutover an agent guards.</summary>
internal enum BlackoutRole
{
    /// <summary>The source: past the deadline it wins the record back and serves again.</summary>
    Source,

    /// <summary>The target: past the deadline it stops the app and gives the record to nobody.</summary>
    Target,
}

/// <summary>The durable deadline of a blackout, on the clock that counts suspend and knows no time zone, no leap and no operator.</summary>
internal sealed record BlackoutDeadline
{
    public required string App { get; init; }

    public required string RelocationId { get; init; }

    public required long Epoch { get; init; }

    public required BlackoutRole Role { get; init; }

    public required string Repository { get; init; }

    public required string BootId { get; init; }

    /// <summary>The deadline in milliseconds of CLOCK_BOOTTIME of that boot.</summary>
    public required long DeadlineMs { get; init; }

    public bool IsExpired(IBootClock clock)
        => !string.Equals(BootId, clock.BootId, StringComparison.Ordinal) || clock.NowMs >= DeadlineMs;

    public static BlackoutDeadline? Read(ICluster cluster, string app) => DurableFile.Read(PathOf(cluster, app), AgentFiles.Default.BlackoutDeadline);

    /// <summary>Arms the guard. A deadline of the same relocation and role that stands already is never moved.</summary>
    public static void Arm(ICluster cluster, BlackoutDeadline deadline)
    {
        if (Read(cluster, deadline.App) is { } standing
            && string.Equals(standing.RelocationId, deadline.RelocationId, StringComparison.Ordinal)
            && standing.Role == deadline.Role)
            return;
        DurableFile.Write(PathOf(cluster, deadline.App), deadline, AgentFiles.Default.BlackoutDeadline);
    }

    /// <summary>Disarms the guard of a relocation; another's stays.</summary>
    public static void Disarm(ICluster cluster, string app, string relocationId)
    {
        if (string.Equals(Read(cluster, app)?.RelocationId, relocationId, StringComparison.Ordinal))
            DurableFile.Delete(PathOf(cluster, app));
    }

    private static string PathOf(ICluster cluster, string app) => Path.Combine(cluster.AppDirectory(app), "blackout.json");
}
