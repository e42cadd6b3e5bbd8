using System.Collections.Immutable;
using StatefulRelocate.Core.Dns;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Activities;

/// <summary>One effect that an agent is asked for. Everything the activity needs is in here, and nothing secret.</summary>
public sealed record ActivityRequest
{
    /// <summary>The relocation.</summary>
    public required string RelocationId { get; init; }

    /// <summary>The id of the step, with its round: <c>snapshot-2</c>.</summary>
    public required string Step { get; init; }

    /// <summary>One of <see cref="StepKind"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>The cluster whose agent acts.</summary>
    public required string Cluster { get; init; }

    /// <summary>The pre-copy round, from 1; the final delta's round is one above the last live round; 0 where there is none.</summary>
    public int Round { get; init; }

    /// <summary>Effect or inverse.</summary>
    public StepDirection Direction { get; init; }

    /// <summary>Grows with every dispatch of the relocation: an older one must never act after a newer one of the same step.</summary>
    public long Sequence { get; init; }

    /// <summary>The attempt, from 1; set by the engine, which alone retries.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>The epoch of the lease, or 0 before it is taken. An agent refuses epochs below the highest it has seen.</summary>
    public long Epoch { get; init; }

    /// <summary>What the user asked for.</summary>
    public required RelocationSpec Spec { get; init; }

    /// <summary>The kinds that the same activity does after its own (<see cref="PlannedStep.Fused"/>).</summary>
    public ImmutableArray<string> Fused { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>
    /// The run of the relocation's workflow, or null where an engine has no runs. An agent that acted for another run refuses (<see cref="FailureCode.AnotherRun"/>)
    /// until that one takes over: a run that was reset or started anew does not know what the earlier one did.
    /// </summary>
    public string? Run { get; init; }

    /// <summary>The runs that this one continues; what they did is its own.</summary>
    public ImmutableArray<string> EarlierRuns { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>The outputs of the completed steps, in the order in which they completed; this is where captures travel.</summary>
    public ImmutableArray<CapturedOutput> Captures { get; init; } = [];

    /// <summary>What is left of <c>maxBlackout</c> when the request was decided; set from <c>quiesce</c> to <c>ready</c>.</summary>
    public TimeSpan? BlackoutLeft { get; init; }

    /// <summary>Whether a <c>start</c> was ever dispatched in this relocation.</summary>
    public bool StartDispatched { get; init; }

    /// <summary>The most time this attempt may take.</summary>
    public TimeSpan Timeout { get; init; }

    /// <summary>The most time between two heartbeats.</summary>
    public TimeSpan HeartbeatTimeout { get; init; }

    /// <summary>The output of the first completed step of that id, or null.</summary>
    /// <param name="step">A step id, with its round.</param>
    public StepOutput? Captured(string step)
    {
        foreach (var capture in Captures)
            if (string.Equals(capture.Step, step, StringComparison.Ordinal))
                return capture.Output;
        return null;
    }
}

/// <summary>The output of a completed step.</summary>
public sealed record CapturedOutput(string Step, StepOutput Output);

/// <summary>What a completed step says. One sparse record for all kinds: each kind fills what it has.</summary>
public sealed record StepOutput
{
    /// <summary><c>preflight</c>: the highest epoch this agent has seen for the app.</summary>
    public long? HighestEpoch { get; init; }

    /// <summary><c>preflight</c>: the address of this cluster, which the A record names.</summary>
    public string? Address { get; init; }

    /// <summary><c>preflight-target</c>: the whole record set before the move (empty when there was none); the undo puts exactly this back.</summary>
    public DnsRecordSet? DnsBefore { get; init; }

    /// <summary><c>lease</c>: the epoch that this relocation works under.</summary>
    public long? Epoch { get; init; }

    /// <summary><c>prepare-target</c>: what existed on the target before: volume names that were there already (retained warm copies).</summary>
    public ImmutableArray<string>? ExistedBefore { get; init; }

    /// <summary><c>snapshot</c>, <c>final-snapshot</c>: what the round read and shipped. <c>restore</c>: what it wrote.</summary>
    public RoundFigures? Figures { get; init; }

    /// <summary><c>snapshot</c>, <c>restore</c> and their final forms: the snapshot's id.</summary>
    public string? SnapshotId { get; init; }

    /// <summary><c>final-snapshot</c>, <c>verify</c>: the root of the hash tree over this side's own bytes, in hex.</summary>
    public string? VolumeHash { get; init; }

    /// <summary>A step of several kinds: what each of them says, its own first. The other members are then empty.</summary>
    public ImmutableArray<FusedOutput> Fused { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary><c>take-over</c>: what was found.</summary>
    public TakenOver? TakenOver { get; init; }

    /// <summary>The parts of the step and how long each took, for the report's account of the blackout.</summary>
    public ImmutableArray<StepPart> Parts { get; init; } = [];

    /// <summary>How long it took on its agent when it was done, however often it is asked for again; null where nothing is kept of it.</summary>
    public TimeSpan? Took { get; init; }

    /// <summary>Things the operator should know, one line each.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];
}

/// <summary>What one kind of a step of several says.</summary>
/// <param name="Step">The kind, which is its step id.</param>
/// <param name="Output">Its output.</param>
/// <param name="Duration">How long it took on its agent.</param>
public sealed record FusedOutput(string Step, StepOutput Output, TimeSpan Duration);

/// <summary>What a take-over found on one side.</summary>
public sealed record TakenOver
{
    /// <summary>Whether the writer record is still held by this relocation.</summary>
    public bool Held { get; init; }

    /// <summary>The writer that the record names, or null where there is no record.</summary>
    public string? Writer { get; init; }

    /// <summary>The furthest phase in the record.</summary>
    public RelocationPhase Phase { get; init; }

    /// <summary>The highest sequence number that this agent has seen of the relocation.</summary>
    public long Sequence { get; init; }

    /// <summary>The outputs of the relocation's steps that this agent remembers.</summary>
    public ImmutableArray<CapturedOutput> Outputs { get; init => field = value.IsDefault ? [] : value; } = [];
}

/// <summary>A part of a step and its duration.</summary>
public sealed record StepPart(string Name, TimeSpan Duration);

/// <summary>The figures of one round on one side.</summary>
public sealed record RoundFigures
{
    /// <summary>Bytes read and fingerprinted (source), or read back for verification (target).</summary>
    public long BytesScanned { get; init; }

    /// <summary>Bytes in blocks that differ from the round before.</summary>
    public long BytesChanged { get; init; }

    /// <summary>Bytes put into the object store, all objects of the round (source), or written to volumes (target).</summary>
    public long BytesShipped { get; init; }

    /// <summary>Files and directories seen.</summary>
    public long Entries { get; init; }

    /// <summary>How long it took on this side, waiting for the other side excluded.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>
    /// How long the same round would have taken had it read only the ranges that may have changed, as the final one does, instead of checking them; null where
    /// the final round has no such ranges. On the high side: what is read then is taken to cost ten times what scanning costs, since most of it is shipped.
    /// </summary>
    public TimeSpan? FinalDuration { get; init; }

    /// <summary>Time since the previous round of the source began; null in the first round. Dirty rate = BytesChanged / this.</summary>
    public TimeSpan? SincePrevious { get; init; }
}

/// <summary>Why an attempt failed.</summary>
public sealed record StepFailure
{
    /// <summary>A short stable code: <c>unreachable</c>, <c>superseded</c>, <c>verify-mismatch</c>, <c>timeout</c>, <c>lease-held</c> …</summary>
    public required string Code { get; init; }

    /// <summary>One line for the operator: what was tried, on what, why it failed, what to do. Nothing secret.</summary>
    public required string Message { get; init; }

    /// <summary>Whether another attempt can help.</summary>
    public bool Retryable { get; init; } = true;

    /// <summary>
    /// Whether it is certain, for every attempt that was sent, that nothing took effect. Read after the point of no return only
    /// (<c>dns-switch</c>): then, and only then, the target is stopped and all is undone.
    /// </summary>
    public bool CertainlyNoEffect { get; init; }

    /// <summary>Whether it was injected by <c>--fail-at</c>.</summary>
    public bool Injected { get; init; }

    /// <summary>A step of several kinds: what those say that were done before one failed, its own first.</summary>
    public ImmutableArray<FusedOutput> Fused { get; init => field = value.IsDefault ? [] : value; } = [];
}

/// <summary>What a heartbeat says; the figures that a progress bar needs.</summary>
public sealed record ActivityProgress
{
    /// <summary>Bytes done so far.</summary>
    public long BytesDone { get; init; }

    /// <summary>Bytes in all, or null while unknown.</summary>
    public long? BytesTotal { get; init; }

    /// <summary>What is being done, in two or three words.</summary>
    public string? Doing { get; init; }

    /// <summary>Files and other names done so far, or null where they are not counted.</summary>
    public long? EntriesDone { get; init; }

    /// <summary>Files and other names in all, about; null while unknown, and where the bytes in all say more.</summary>
    public long? EntriesTotal { get; init; }
}
