namespace StatefulRelocate.Core.Saga;

/// <summary>Where a relocation is, in one to three words; what lists, queries and search attributes show.</summary>
public static class SagaPhase
{
    /// <summary>The words.</summary>
    public static string Describe(SagaState state) => state switch
    {
        { Outcome: { } outcome } => outcome.ToString().ToLowerInvariant(),
        { Attention: not null } => "needs attention",
        { TakingOver: not null } => "taking over",
        { Compensating: true } => "undoing",
        { AwaitsApproval: true, IsPaused: true } => "paused at the gate",
        { AwaitsApproval: true } => "waits for approval",
        { IsPaused: true } => "paused",
        { InBlackout: true, PointOfNoReturn: false } => "cutting over",
        { PointOfNoReturn: true } => "finishing",
        { StartedAt: null } => "waiting",
        _ => "copying",
    };
}
