using System.Collections.Immutable;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Reports;

/// <summary>
/// What a relocation did and what it cost: the document that <c>relocate demo --json</c> and <c>relocate run --json</c> print.
/// Its JSON form is described in <c>docs/report.schema.json</c>; every property is always present, null where nothing is known.
/// </summary>
public sealed record RelocationReport
{
    /// <summary>The relocation's id, or null when none was made.</summary>
    public string? Relocation { get; init; }

    /// <summary>How it ended; null when it never began or still runs (see <see cref="Reason"/>).</summary>
    public RelocationOutcome? Outcome { get; init; }

    /// <summary>Why it did not simply complete, in one line; null when it did.</summary>
    public string? Reason { get; init; }

    /// <summary>The cluster that a client reaches through DNS at the end, or null when none answers.</summary>
    public string? ServedBy { get; init; }

    /// <summary>The longest time between two acknowledged writes on the client's monotonic clock, in milliseconds; null without clients.</summary>
    public double? DowntimeMs { get; init; }

    /// <summary>What the saga predicted when it decided to cut over, in milliseconds; null when it never did.</summary>
    public double? PredictedDowntimeMs { get; init; }

    /// <summary>Writes that the app acknowledged to any client; null without clients.</summary>
    public long? AcknowledgedWrites { get; init; }

    /// <summary>Acknowledged writes that could not be read back with the same hash at the end; null without clients.</summary>
    public long? AcknowledgedWritesLost { get; init; }

    /// <summary>Who acknowledged writes, and when, in order of time. One cluster appears twice only when another acknowledged in between.</summary>
    public ImmutableArray<AcknowledgedInterval> AcknowledgedBy { get; init; } = [];

    /// <summary>Requests of any client that got no acknowledgement; null without clients.</summary>
    public long? FailedRequests { get; init; }

    /// <summary>The pre-copy rounds, and the final delta as the last.</summary>
    public ImmutableArray<RoundReport> Rounds { get; init; } = [];

    /// <summary>The steps that were dispatched, in the order of their first dispatch.</summary>
    public ImmutableArray<StepReport> Steps { get; init; } = [];

    /// <summary>The deaths of the engine and the processes that went on.</summary>
    public ImmutableArray<CrashReport> Crashes { get; init; } = [];

    /// <summary>What the downtime was spent on, without gaps, in order of time.</summary>
    public ImmutableArray<BlackoutReport> Blackout { get; init; } = [];

    /// <summary>The engine's decisions that the app waited for, in order of time: how many times the blackout went through the engine.</summary>
    public ImmutableArray<HopReport> Hops { get; init; } = [];

    /// <summary>The roots of the hash trees at the cutover, each computed from its own side's bytes.</summary>
    public VolumeHashReport VolumeHash { get; init; } = new();

    /// <summary>What still runs after <c>demo --keep</c>; null otherwise.</summary>
    public KeptReport? Kept { get; init; }
}

/// <summary>A stretch of time in which one cluster acknowledged writes.</summary>
/// <param name="Cluster">The cluster.</param>
/// <param name="From">The first acknowledgement (UTC).</param>
/// <param name="To">The last acknowledgement (UTC).</param>
public sealed record AcknowledgedInterval(string Cluster, DateTimeOffset From, DateTimeOffset To);

/// <summary>One round of copying.</summary>
public sealed record RoundReport
{
    /// <summary>From 1.</summary>
    public required int Number { get; init; }

    /// <summary>Whether this is the delta of the cutover, taken from the silent source.</summary>
    public bool Final { get; init; }

    /// <summary>Bytes read and fingerprinted on the source.</summary>
    public long BytesScanned { get; init; }

    /// <summary>Bytes in blocks that differ from the round before.</summary>
    public long BytesChanged { get; init; }

    /// <summary>Bytes put into the object store.</summary>
    public long BytesShipped { get; init; }

    /// <summary>From the dispatch of the snapshot until both the snapshot and its restore had ended, in milliseconds.</summary>
    public double DurationMs { get; init; }

    /// <summary>How fast the app changed data since the round before; null in the first round.</summary>
    public double? DirtyBytesPerSecond { get; init; }
}

/// <summary>How a step ended.</summary>
public enum StepReportOutcome
{
    /// <summary>Its effect is there.</summary>
    Completed,

    /// <summary>Its last attempt was answered with a failure.</summary>
    Failed,

    /// <summary>No answer in time.</summary>
    TimedOut,

    /// <summary>It was cancelled by an undo.</summary>
    Cancelled,

    /// <summary>An operator said that it is done.</summary>
    MarkedDone,

    /// <summary>It was in flight when the report was made.</summary>
    Running,
}

/// <summary>One step.</summary>
public sealed record StepReport
{
    /// <summary>The id, with its round: <c>snapshot-2</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The kind: <c>snapshot</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>How its do ended.</summary>
    public required StepReportOutcome Outcome { get; init; }

    /// <summary>When its first dispatch was committed (UTC).</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>From the first dispatch to the last result, waiting included, in milliseconds.</summary>
    public required double DurationMs { get; init; }

    /// <summary>Whether its undo completed.</summary>
    public bool Undone { get; init; }

    /// <summary>Whether a failure was injected into it (<c>--fail-at</c>).</summary>
    public bool Injected { get; init; }

    /// <summary>Whether it was dispatched after the point of no return.</summary>
    public bool AfterPointOfNoReturn { get; init; }
}

/// <summary>A death of the engine.</summary>
/// <param name="Step">The step at which it was killed, with its round.</param>
/// <param name="KilledPid">The process that died.</param>
/// <param name="ResumedPid">The process that went on, or null when none did.</param>
public sealed record CrashReport(string Step, int KilledPid, int? ResumedPid);

/// <summary>One stretch of the downtime.</summary>
public sealed record BlackoutReport
{
    /// <summary>A step's id, <c>undo ID</c>, <c>engine</c> (between steps) or <c>client</c> (its last write before, its way to the first after).</summary>
    public required string Step { get; init; }

    /// <summary>When it began, in milliseconds after the last acknowledged write.</summary>
    public required double OffsetMs { get; init; }

    /// <summary>How long it was what the app waited for, in milliseconds.</summary>
    public required double DurationMs { get; init; }

    /// <summary>The step's own account of its time; parts of one step may overlap in time.</summary>
    public ImmutableArray<BlackoutPartReport> Parts { get; init; } = [];
}

/// <summary>A part of a step.</summary>
/// <param name="Name">What was done.</param>
/// <param name="DurationMs">In milliseconds.</param>
public sealed record BlackoutPartReport(string Name, double DurationMs);

/// <summary>Steps inside the blackout that one decision of the engine dispatched.</summary>
public sealed record HopReport
{
    /// <summary>The steps' ids, <c>undo ID</c> for an undo.</summary>
    public required ImmutableArray<string> Steps { get; init; }

    /// <summary>When they were dispatched, in milliseconds after the last acknowledged write.</summary>
    public required double OffsetMs { get; init; }

    /// <summary>Until the next hop, or for the last one until its steps had ended, in milliseconds.</summary>
    public required double DurationMs { get; init; }
}

/// <summary>The roots of both sides; null when that side never computed one.</summary>
/// <param name="Source">From the source's bytes (<c>final-snapshot</c>), in hex.</param>
/// <param name="Target">From the target's bytes (<c>verify</c>), in hex.</param>
public sealed record VolumeHashReport(string? Source = null, string? Target = null);

/// <summary>What a demo with <c>--keep</c> left running.</summary>
public sealed record KeptReport
{
    /// <summary>The app's pages: by its name's present address first.</summary>
    public required ImmutableArray<string> Urls { get; init; }

    /// <summary>The app's DNS name.</summary>
    public required string Name { get; init; }

    /// <summary>The DNS server, as <c>address:port</c>.</summary>
    public required string DnsServer { get; init; }

    /// <summary>The clients' logs.</summary>
    public required ImmutableArray<string> ClientLogs { get; init; }

    /// <summary>The Temporal server that carried the relocation on, as <c>address:port</c>, or null.</summary>
    public string? Temporal { get; init; }

    /// <summary>The pages of a Temporal server that the demo started, or null.</summary>
    public string? TemporalUi { get; init; }

    /// <summary>The command that ends it.</summary>
    public required string End { get; init; }
}
