using StatefulRelocate.Clusters.Local.Processes;
using StatefulRelocate.Core.Apps;

namespace StatefulRelocate.Clusters.Local.Keeping;

/// <summary>One declared process, and what became of it.</summary>
internal sealed class SupervisedProcess(AppProcess declared)
{
    private const int MostDoublings = 7;
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(10);

    private int _failures;
    private long _startedAt;

    public AppProcess Declared => declared;

    /// <summary>The main process, or null while there is none.</summary>
    public ProcessId? Id { get; private set; }

    /// <summary>Ends when the main process does.</summary>
    public Task<int>? Ended { get; private set; }

    /// <summary>How it last ended, for people.</summary>
    public string? LastEnd { get; private set; }

    /// <summary>Whether descendants of an earlier main process may still be there.</summary>
    public bool MayHaveLeftovers { get; set; }

    public bool IsRunning => Ended is { IsCompleted: false };

    public void Started(HeldProcess held, TimeProvider time)
    {
        (Id, Ended, _startedAt) = (held.Id, held.Ended, time.GetTimestamp());
    }

    /// <summary>Notes an end, and says how long to wait before the next start.</summary>
    public TimeSpan Finished(int status, TimeSpan delay, TimeProvider time)
    {
        (Id, Ended) = (null, null);
        MayHaveLeftovers = true;
        LastEnd = Describe(status);
        _failures = time.GetElapsedTime(_startedAt) >= LongEnough ? 0 : Math.Min(_failures + 1, MostDoublings);
        var factor = Math.Min(100, 1 << Math.Max(0, _failures - 1));
        return delay * factor;
    }

    /// <summary>It was stopped on purpose.</summary>
    public void Stopped()
    {
        (Id, Ended, LastEnd, _failures) = (null, null, null, 0);
    }

    /// <summary>A wait status in words: wait(2).</summary>
    public static string Describe(int status)
        => (status & 0x7f) == 0 ? $"exited with {(status >> 8) & 0xff}" : $"was killed by signal {status & 0x7f}";
}
