using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Core.Saga;

/// <summary>
/// All that is known of a relocation: the plan and every event of its journal, folded. Immutable, so that a status view may keep one
/// while the engine goes on.
/// </summary>
public sealed record SagaState
{
    /// <summary>The input.</summary>
    public required RelocationPlan Plan { get; init; }

    /// <summary>The steps in plan order; rounds appear when they are dispatched, after the round before.</summary>
    public required ImmutableArray<StepState> Steps { get; init; }

    /// <summary>How many events were folded.</summary>
    public long Events { get; init; }

    /// <summary>The highest sequence number dispatched so far.</summary>
    public long Sequence { get; init; }

    /// <summary>When the first event was recorded.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When the last event was recorded; the only "now" that the machine knows.</summary>
    public DateTimeOffset? LastEventAt { get; init; }

    /// <summary>How it ended, or null while it has not. Never <see cref="RelocationOutcome.NeedsAttention"/>, see <see cref="Attention"/>.</summary>
    public RelocationOutcome? Outcome { get; init; }

    /// <summary>Why it ended that way, or null.</summary>
    public string? OutcomeReason { get; init; }

    /// <summary>What a person has to look at, in one line, or null. Left by <see cref="Saga.Resume"/> or <see cref="MarkDone"/>.</summary>
    public string? Attention { get; init; }

    /// <summary>
    /// Whether nothing moves before a person speaks: it ended, or it asks for attention with no step under way and no try to come. One undo that
    /// needs a person does not hold up the others.
    /// </summary>
    public bool IsSettled => Outcome is not null
        || (Attention is not null
            && !Steps.Any(step => step.Do.Status == RunStatus.Running || step.Undo.Status == RunStatus.Running)
            && !Timers.Any(timer => !timer.Fired && timer.Name != Blackout.Timer));

    /// <summary>Why this run takes over from an earlier one, or null: it does not, or it is done with it.</summary>
    public string? TakingOver { get; init; }

    /// <summary>Why everything is being undone, or null.</summary>
    public CompensationCause? Compensation { get; init; }

    /// <summary>Whether everything is being undone, or was.</summary>
    public bool Compensating => Compensation is not null;

    /// <summary>Whether failures are handled by going forward.</summary>
    public bool PointOfNoReturn { get; init; }

    /// <summary>Whether a pause was asked for and not yet ended.</summary>
    public bool PauseRequested { get; init; }

    /// <summary>Whether the pause holds back new steps now. One asked for inside the blackout takes effect after it.</summary>
    public bool IsPaused => PauseRequested && !InBlackout && !Compensating && TakingOver is null && Outcome is null;

    /// <summary>Whether clients may be without service, or on their way to the target: from <c>quiesce</c> to <c>dns-verify</c>.</summary>
    public bool InBlackout => BlackoutStartedAt is not null && !Compensating && !this.AllCompleted(StepKind.DnsVerify);

    /// <summary>When <c>quiesce</c> was dispatched, or null.</summary>
    public DateTimeOffset? BlackoutStartedAt => this.FirstOfKind(StepKind.Quiesce)?.Do.StartedAt;

    /// <summary>Whether a person approved the cutover.</summary>
    public bool Approved { get; init; }

    /// <summary>Whether pre-copy is over and the cutover waits for <see cref="Approve"/>.</summary>
    public bool AwaitsApproval => Outcome is null && !Compensating && this.FirstOfKind(StepKind.Gate)?.Do.Status == RunStatus.Running;

    /// <summary>The epoch of the lease, or 0 before it is known.</summary>
    public long Epoch { get; init; }

    /// <summary>What pre-copy decided after the last finished round.</summary>
    public PreCopyVerdict PreCopyVerdict { get; init; }

    /// <summary>The blackout that was predicted after the last finished round, or null before the first.</summary>
    public TimeSpan? PredictedDowntime { get; init; }

    /// <summary>
    /// A round dispatched up to this sequence number is stale: the relocation was held by a gate or a pause since.
    /// </summary>
    public long StaleUpTo { get; init; }

    /// <summary>The outputs of the completed steps, in the order in which they completed first.</summary>
    public ImmutableArray<CapturedOutput> Captures { get; init; } = [];

    /// <summary>The timers that run, and those that fired and still matter.</summary>
    public ImmutableArray<TimerState> Timers { get; init; } = [];

    /// <summary>Every signal and what the machine made of it, in order of arrival.</summary>
    public ImmutableArray<SignalAnswer> Signals { get; init; } = [];

    /// <summary>The last pre-copy round that was dispatched, 0 before the first.</summary>
    public int Round
    {
        get
        {
            var round = 0;
            foreach (var step in Steps)
                round = Math.Max(round, step.Do.Dispatched ? step.Round : 0);
            return round;
        }
    }

    /// <summary>The step of that id, or null.</summary>
    /// <param name="id">With the round, where there is one.</param>
    public StepState? Step(string id)
    {
        foreach (var step in Steps)
            if (string.Equals(step.Id, id, StringComparison.Ordinal))
                return step;
        return null;
    }

    /// <summary>What became of a signal, or null when it was not folded yet.</summary>
    /// <param name="signalId">Its id.</param>
    public SignalAnswer? Answer(string signalId)
    {
        foreach (var answer in Signals)
            if (string.Equals(answer.SignalId, signalId, StringComparison.Ordinal))
                return answer;
        return null;
    }
}

/// <summary>Why everything is undone.</summary>
/// <param name="Reason">One line.</param>
/// <param name="ByPerson">Whether a person asked for it; the outcome is then <see cref="RelocationOutcome.Aborted"/>.</param>
public sealed record CompensationCause(string Reason, bool ByPerson);

/// <summary>A timer of the machine.</summary>
public sealed record TimerState(string Name, DateTimeOffset DueAt, bool Fired);

/// <summary>What the machine made of a signal.</summary>
/// <param name="SignalId">The signal's id.</param>
/// <param name="Signal">The signal.</param>
/// <param name="Accepted">Whether it changed, or will change, what happens.</param>
/// <param name="Answer">One line for the person who sent it: what happens now, or why not.</param>
public sealed record SignalAnswer(string SignalId, Signal Signal, bool Accepted, string Answer);

/// <summary>What pre-copy decided after a round.</summary>
public enum PreCopyVerdict
{
    /// <summary>Another round.</summary>
    AnotherRound,

    /// <summary>The predicted blackout fits the budget: cut over.</summary>
    Converged,

    /// <summary>It cannot be made to fit, and the policy says to cut over all the same.</summary>
    CutoverAnyway,

    /// <summary>It cannot be made to fit, and the policy says to undo.</summary>
    GiveUp,
}
