using System.Collections.Immutable;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>How thoroughly to check.</summary>
public sealed record CheckRequest
{
    /// <summary>What share of the packs is read and authenticated to the last byte, 0 to 100; which ones is drawn anew each time. Default: 0, the structure alone.</summary>
    public double ReadPercent { get; init; }
}

/// <summary>What a check found.</summary>
/// <param name="Problems">One line each, with the object's name; empty when all is well.</param>
/// <param name="Snapshots">Snapshots that were checked.</param>
/// <param name="Packs">Packs that the index knows.</param>
/// <param name="UnusedPacks">Packs that no index names, left by an interrupted snapshot or not yet deleted; harmless.</param>
/// <param name="BytesRead">Bytes of packs that were read and authenticated.</param>
public sealed record RepositoryChecked(ImmutableArray<string> Problems, int Snapshots, int Packs, int UnusedPacks, long BytesRead)
{
    /// <summary>The objects that are damaged or missing, by name.</summary>
    public ImmutableArray<string> DamagedObjects { get; init; } = [];

    /// <summary>The snapshots that cannot be restored in full, by id.</summary>
    public ImmutableArray<string> AffectedSnapshots { get; init; } = [];

    /// <summary>Both together.</summary>
    public static RepositoryChecked operator +(RepositoryChecked left, RepositoryChecked right) => new(
        [.. left.Problems, .. right.Problems], left.Snapshots + right.Snapshots, left.Packs + right.Packs, left.UnusedPacks + right.UnusedPacks, left.BytesRead + right.BytesRead)
    {
        DamagedObjects = [.. left.DamagedObjects, .. right.DamagedObjects],
        AffectedSnapshots = [.. left.AffectedSnapshots, .. right.AffectedSnapshots],
    };

    /// <summary>Both together.</summary>
    public static RepositoryChecked Add(RepositoryChecked left, RepositoryChecked right) => left + right;
}
