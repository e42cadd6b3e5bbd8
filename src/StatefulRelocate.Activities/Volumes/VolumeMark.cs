namespace StatefulRelocate.Activities.Volumes;

/// <summary>What is durably known of one volume on this cluster: whose it is, and what may be done to it.</summary>
internal sealed record VolumeMark
{
    /// <summary>The relocation that restores into it, or null.</summary>
    public string? PreparedBy { get; init; }

    /// <summary>Whether the directory was there before that relocation; then its undo leaves it.</summary>
    public bool ExistedBefore { get; init; }

    /// <summary>The relocation that started the app on it. While this is set nothing is restored over it.</summary>
    public string? StartedBy { get; init; }

    /// <summary>The relocation that took the app away from here and left this volume behind, or that gave a warm copy up.</summary>
    public string? RetainedBy { get; init; }

    /// <summary>Until when it is kept (UTC).</summary>
    public DateTimeOffset? RetainedUntil { get; init; }
}
