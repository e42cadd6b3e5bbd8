using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Retention;
using StatefulRelocate.Snapshots.Streaming;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>What the parts of one round share.</summary>
internal sealed class RoundContext
{
    /// <summary>The announcement of this writer; null in a dry run.</summary>
    public WriterAnnouncement? Writing { get; init; }

    public required Repository Repository { get; init; }

    public required SnapshotRequest Request { get; init; }

    public required RoundCounters Counters { get; init; }

    public required PackWriter Packs { get; init; }

    /// <summary>The records of the journal; null in a dry run.</summary>
    public ChunkFile? Chunks { get; init; }

    /// <summary>The secret of the fingerprints.</summary>
    public required long Seed { get; init; }

    public IRoundObserver? Observer { get; init; }

    /// <summary>One for each volume.</summary>
    public required IReadOnlyList<IChangedRanges> Ranges { get; init; }

    /// <summary>Whether the stat identities of the journal mean nothing: another boot, or the request says so.</summary>
    public bool CompareAll { get; init; }

    public required RoundWarnings Warnings { get; init; }

    /// <summary>No later than the instant that what is read shows; see <see cref="Consistency.ConsistentSource.AsOf"/>.</summary>
    public long AsOf { get; init; } = long.MaxValue;

    public bool Final => Request.Final;

    /// <summary>Whether an app is being moved: what cannot be read would stay behind, so it is refused before the app is stopped for it.</summary>
    public bool Moves => Request.RelocationId is not null;

    /// <summary>What a time stamp is compared with: whatever is stamped near it or later may change again under the same stamp.</summary>
    public long Now() => Math.Min(KernelClock.Now(), AsOf);

    /// <summary>What becomes of a name that cannot be read: left out and reported, or, in a final round and for errors that are not the file's own, the end of the round.</summary>
    /// <returns>Why it is left out; empty when it is gone, which is no news.</returns>
    public string LeaveOut(SystemCallException error)
    {
        if (Final || (Moves && !error.IsGone) || !(error.IsGone || error.IsDenied || error.Error is Posix.IoError or Posix.StaleHandle))
            throw new RelocateException($"{error.Message}; nothing was sealed", inner: error);
        return error.IsGone ? "" : $"{error.Message}; it is not in this snapshot";
    }
}
