using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Memory;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Streaming;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>What the parts of one round share.</summary>
internal sealed class RoundContext
{
    private const int MaxWarnings = 100;
    private readonly Lock _lock = new();
    private readonly List<string> _warnings = [];
    private int _unsaid, _changing;
    private string _firstChanging = "";

    public required Repository Repository { get; init; }

    public required SnapshotRequest Request { get; init; }

    public required RoundCounters Counters { get; init; }

    public required PackWriter Packs { get; init; }

    public required MemoryBudget Budget { get; init; }

    /// <summary>The records of the journal; null in a dry run.</summary>
    public ChunkFile? Chunks { get; init; }

    /// <summary>The secret of the fingerprints.</summary>
    public required long Seed { get; init; }

    public IRoundObserver? Observer { get; init; }

    /// <summary>One for each volume.</summary>
    public required IReadOnlyList<IChangedRanges> Ranges { get; init; }

    /// <summary>Whether the stat identities of the journal mean nothing: another boot, or the request says so.</summary>
    public bool CompareAll { get; init; }

    public bool Final => Request.Final;

    public void Warn(string warning)
    {
        lock (_lock)
        {
            if (_warnings.Count < MaxWarnings)
                _warnings.Add(warning);
            else
                _unsaid++;
        }
    }

    /// <summary>A file changed while it was read. The rounds of a relocation do not say so: another one follows, and the last one refuses.</summary>
    public void WarnChanging(string shown)
    {
        if (Request.RelocationId is not null)
            return;
        lock (_lock)
        {
            if (_changing++ == 0)
                _firstChanging = shown;
        }
    }

    public IReadOnlyList<string> Warnings()
    {
        lock (_lock)
        {
            var all = new List<string>(_warnings);
            if (_unsaid > 0)
                all.Add($"{_unsaid} more warnings like these");
            if (_changing > 0)
                all.Add($"{_firstChanging}{(_changing > 1 ? $" and {_changing - 1} other files" : "")}: changed while it was read, so what is stored may never have stood there at one instant");
            return all;
        }
    }

    /// <summary>What becomes of a name that cannot be read: left out and reported, or, in a final round and for errors that are not the file's own, the end of the round.</summary>
    /// <returns>Why it is left out; empty when it is gone, which is no news.</returns>
    public string LeaveOut(SystemCallException error)
    {
        if (Final || !(error.IsGone || error.IsDenied || error.Error is Posix.IoError or Posix.StaleHandle))
            throw new RelocateException($"{error.Message}; nothing was sealed", inner: error);
        return error.IsGone ? "" : $"{error.Message}; it is not in this snapshot";
    }
}
