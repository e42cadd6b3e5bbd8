namespace StatefulRelocate.Core.Relocations;

/// <summary>What the user asked for: move one app, with its data, from one cluster to another.</summary>
public sealed record RelocationSpec
{
    /// <summary>The name of the app that moves; it runs on <see cref="Source"/> now.</summary>
    public required string App { get; init; }

    /// <summary>The cluster where the app runs now.</summary>
    public required string Source { get; init; }

    /// <summary>The cluster where the app goes.</summary>
    public required string Target { get; init; }

    /// <summary>The name of the repository; each agent finds its URL and key in its own configuration, so no secret travels.</summary>
    public required string Repository { get; init; }

    /// <summary>The DNS name that is switched.</summary>
    public required DnsSpec Dns { get; init; }

    /// <summary>How the cutover is made.</summary>
    public CutoverSpec Cutover { get; init; } = new();

    /// <summary>How long the source's volumes are kept after the move. Default: 24 h.</summary>
    public TimeSpan SourceRetention { get; init; } = TimeSpan.FromHours(24);
}

/// <summary>The record set that is switched from source to target.</summary>
public sealed record DnsSpec
{
    /// <summary>The name of the DNS server in the configuration (<c>local</c>: the embedded server).</summary>
    public string Server { get; init; } = "local";

    /// <summary>The zone, without the final dot: <c>edge.test</c>.</summary>
    public required string Zone { get; init; }

    /// <summary>The name within the zone, without the final dot: <c>images</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The TTL of the new record set. Default: 1 s.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>How the app is made silent on the source.</summary>
public enum QuiesceMode
{
    /// <summary>The app's processes are stopped in order; the undo starts them again.</summary>
    Stop,

    /// <summary>All processes of the app are suspended at one instant; the undo thaws them with their memory and connections.</summary>
    Freeze,
}

/// <summary>How the final round finds out which bytes of a changed file to read.</summary>
public enum RangeSource
{
    /// <summary>By reflinks where the file system of a volume can (XFS, btrfs), by scanning elsewhere.</summary>
    Auto,

    /// <summary>It reads every file whose stat identity moved.</summary>
    Scan,

    /// <summary>By reflinks; the move is refused where the file system of a volume cannot.</summary>
    Reflink,
}

/// <summary>What happens when pre-copy cannot meet the downtime budget.</summary>
public enum NoConvergencePolicy
{
    /// <summary>Undo everything; the source never stopped serving.</summary>
    Abort,

    /// <summary>Cut over all the same, with the predicted downtime.</summary>
    CutoverAnyway,
}

/// <summary>How the cutover is made.</summary>
public sealed record CutoverSpec
{
    /// <summary>How the app is made silent. Default: <see cref="QuiesceMode.Stop"/>.</summary>
    public QuiesceMode Quiesce { get; init; } = QuiesceMode.Stop;

    /// <summary>The downtime budget: pre-copy ends when the predicted blackout fits. Default: 500 ms.</summary>
    public TimeSpan MaxDowntime { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The most pre-copy rounds before the policy for no convergence applies. Default: 8.</summary>
    public int MaxRounds { get; init; } = 8;

    /// <summary>The least share by which a round must ship fewer bytes than the one before to be worth another. Default: 0.1.</summary>
    public double MinimumGain { get; init; } = 0.1;

    /// <summary>What happens when the budget cannot be met. Default: <see cref="NoConvergencePolicy.Abort"/>.</summary>
    public NoConvergencePolicy OnNoConvergence { get; init; } = NoConvergencePolicy.Abort;

    /// <summary>The hard bound of the blackout: past it the source serves again, whether an engine lives or not. Default: 10 s.</summary>
    public TimeSpan MaxBlackout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether a person has to approve the cutover (<c>relocate approve</c>). Default: false.</summary>
    public bool Approval { get; init; }

    /// <summary>How the final round finds out what to read. Default: <see cref="RangeSource.Auto"/>.</summary>
    public RangeSource ChangedRanges { get; init; } = RangeSource.Auto;
}
