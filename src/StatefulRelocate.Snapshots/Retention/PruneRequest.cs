using System.Collections.Immutable;

namespace StatefulRelocate.Snapshots.Retention;

/// <summary>How to prune.</summary>
public sealed record PruneRequest
{
    /// <summary>
    /// How long, by the store's clock, an object lies condemned before it is deleted, and how old it must be to be condemned. It must be
    /// longer than the longest restore. Zero: it is deleted at once, and a restore of a forgotten snapshot that still runs fails. Default: 24 h.
    /// </summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromHours(24);

    /// <summary>A writer whose announcement is older than that, by the store's clock, is given up: it cannot seal its snapshot any more. Default: 72 h.</summary>
    public TimeSpan WriterTimeout { get; init; } = TimeSpan.FromHours(72);

    /// <summary>Whether only to find out; nothing is written.</summary>
    public bool DryRun { get; init; }
}

/// <summary>What a prune did.</summary>
public sealed record PruneOutcome
{
    /// <summary>Objects that nothing needs, condemned now.</summary>
    public int Condemned { get; init; }

    /// <summary>Their bytes.</summary>
    public long CondemnedBytes { get; init; }

    /// <summary>Objects deleted.</summary>
    public int Deleted { get; init; }

    /// <summary>Their bytes, as far as they were still there.</summary>
    public long DeletedBytes { get; init; }

    /// <summary>Objects that were condemned, and are needed again.</summary>
    public int Rescued { get; init; }

    /// <summary>Index objects that were replaced by fewer.</summary>
    public int IndexObjectsMerged { get; init; }

    /// <summary>Bytes in packs and maps that stay.</summary>
    public long KeptBytes { get; init; }

    /// <summary>What has to wait, and for what; one line each.</summary>
    public ImmutableArray<string> Waiting { get; init; } = [];

    /// <summary>Writers that were given up, one line each.</summary>
    public ImmutableArray<string> GivenUp { get; init; } = [];

    /// <summary>Both together.</summary>
    public static PruneOutcome Add(PruneOutcome left, PruneOutcome right) => left + right;

    /// <summary>Both together.</summary>
    public static PruneOutcome operator +(PruneOutcome left, PruneOutcome right) => new()
    {
        Condemned = left.Condemned + right.Condemned,
        CondemnedBytes = left.CondemnedBytes + right.CondemnedBytes,
        Deleted = left.Deleted + right.Deleted,
        DeletedBytes = left.DeletedBytes + right.DeletedBytes,
        Rescued = left.Rescued + right.Rescued,
        IndexObjectsMerged = left.IndexObjectsMerged + right.IndexObjectsMerged,
        KeptBytes = left.KeptBytes + right.KeptBytes,
        Waiting = [.. left.Waiting, .. right.Waiting],
        GivenUp = [.. left.GivenUp, .. right.GivenUp],
    };
}
