namespace StatefulRelocate.Snapshots.Consistency;

/// <summary>Commands, run by <c>sh -c</c>, around the instant that a snapshot shows. Neither they nor what they print appear anywhere: both may hold secrets.</summary>
public sealed record SourceHooks
{
    /// <summary>Run before; when it fails, nothing is taken. None by default.</summary>
    public string? Before { get; init; }

    /// <summary>Run after, whatever happened, also when <see cref="Before"/> failed; when it fails, a warning says so. None by default.</summary>
    public string? After { get; init; }

    /// <summary>What runs longer is killed with all that it started, and has failed. Default: one minute.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(1);
}
