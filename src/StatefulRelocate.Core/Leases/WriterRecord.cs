namespace StatefulRelocate.Core.Leases;

/// <summary>The furthest phase a relocation has reached in the writer record.</summary>
public enum RelocationPhase
{
    /// <summary>No relocation holds the record.</summary>
    None,

    /// <summary>Taken; the source serves.</summary>
    Taken,

    /// <summary>The source is fenced; the writer is nobody.</summary>
    Fenced,

    /// <summary>The target is the writer and may start the app.</summary>
    Started,

    /// <summary>Past the point of no return: DNS may answer the target.</summary>
    Committed,

    /// <summary>Being undone; never again <see cref="Committed"/> in this relocation.</summary>
    Undone,
}

/// <summary>
/// The object <c>leases/&lt;app&gt;</c> in the repository: it names the one cluster allowed to run the app. Every change is a
/// put-if-match with a fresh <see cref="ChangeId"/>; it is never deleted and never expires by time.
/// </summary>
public sealed record WriterRecord
{
    /// <summary>The writer when no cluster may run the app.</summary>
    public const string Nobody = "nobody";

    /// <summary>The app.</summary>
    public required string App { get; init; }

    /// <summary>Raised by whoever takes the record; agents refuse effects of lower epochs.</summary>
    public required long Epoch { get; init; }

    /// <summary>The relocation that holds the record, or null after the release.</summary>
    public string? RelocationId { get; init; }

    /// <summary>The cluster allowed to run the app, or <see cref="Nobody"/>.</summary>
    public required string Writer { get; init; }

    /// <summary>The furthest phase.</summary>
    public RelocationPhase Phase { get; init; }

    /// <summary>A fresh id for each change, so that a lost answer is settled by reading back.</summary>
    public required string ChangeId { get; init; }
}
