namespace StatefulRelocate.Core.Leases;

/// <summary>What a change of the writer record comes to: write the next record, find the result there already, or be refused.</summary>
public abstract record WriterDecision
{
    private WriterDecision()
    {
    }

    /// <summary>Write <paramref name="Next"/>, if the record is still the one that was read.</summary>
    public sealed record Write(WriterRecord Next) : WriterDecision;

    /// <summary>The result is there already: who finds his own result is done.</summary>
    public sealed record Already(WriterRecord Current) : WriterDecision;

    /// <summary>The record does not allow it; whoever is refused does nothing.</summary>
    /// <param name="Refusal">Why.</param>
    /// <param name="Message">One line for the operator.</param>
    public sealed record Refused(WriterRefusal Refusal, string Message) : WriterDecision;
}

/// <summary>Why the writer record does not allow a change.</summary>
public enum WriterRefusal
{
    /// <summary>There is no record.</summary>
    Missing,

    /// <summary>Another relocation holds it, or none does, or the epoch is not ours.</summary>
    NotHeld,

    /// <summary>The writer is another cluster than this change needs.</summary>
    OtherWriter,

    /// <summary>The relocation is being undone; there is no way forward in it.</summary>
    Undone,

    /// <summary>The relocation is committed; there is no way back in it.</summary>
    Committed,

    /// <summary>The phase is another than this change needs.</summary>
    OtherPhase,
}
