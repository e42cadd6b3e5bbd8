namespace StatefulRelocate.Core.Activities;

/// <summary>The codes of a <see cref="StepFailure"/> that more than one part of the program looks at.</summary>
public static class FailureCode
{
    /// <summary>
    /// The swap of the writer record's phase to <c>committed</c> was lost. It can only be lost when it never was won, and nothing is sent to a
    /// DNS server before it is won: so it is certain that no client was sent to the target, whatever became of earlier attempts.
    /// </summary>
    public const string CommitLost = "commit-lost";

    /// <summary>The relocation was closed on that agent, or a newer epoch, sequence or attempt acts there.</summary>
    public const string Superseded = "superseded";

    /// <summary>The agent acted for another run of the same relocation, which this one has not taken over.</summary>
    public const string AnotherRun = "another-run";

    /// <summary>No answer in time.</summary>
    public const string Timeout = "timeout";
}
