using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>
/// Says how much a round has to go through, so that whoever watches knows how long it takes. Upon a round before, that round's names; a round that reads everything
/// is counted beside it once it has lasted for two seconds: a short one needs no forecast, and should not pay for one.
/// </summary>
internal sealed class SizeForecast : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private readonly CancellationTokenSource _ending;
    private readonly Task _counting;

    private SizeForecast(CancellationTokenSource ending, Task counting) => (_ending, _counting) = (ending, counting);

    /// <param name="counters">Are told.</param>
    /// <param name="roots">What the round reads.</param>
    /// <param name="before">Names in the round before; null where everything is read.</param>
    /// <param name="filter">What is left out: it is asked by one thread, which is the round's own, so that nothing is counted beside one.</param>
    /// <param name="time">By what two seconds are measured.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static SizeForecast Start(RoundCounters counters, IReadOnlyList<OpenDirectory> roots, long? before, IEntryFilter? filter, TimeProvider time, CancellationToken cancellationToken)
    {
        var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (before is { } entries)
            counters.ExpectEntries(entries);
        else if (counters.IsWatched && filter is null)
            return new SizeForecast(ending, Task.Run(() => CountAsync(counters, roots, time, ending.Token), CancellationToken.None));
        return new SizeForecast(ending, Task.CompletedTask);
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _counting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ending.Dispose();
    }

    /// <summary>What cannot be looked at leaves the end unknown; the round itself says why.</summary>
    private static async Task CountAsync(RoundCounters counters, IReadOnlyList<OpenDirectory> roots, TimeProvider time, CancellationToken cancellationToken)
    {
        await Task.Delay(Patience, time, cancellationToken).ConfigureAwait(false);
        var linked = new HashSet<(ulong, ulong)>();
        long bytes = 0;
        foreach (var facts in TargetWalk.Names(roots, cancellationToken).Select(name => name.Facts))
        {
            if (facts.Type == EntryType.File && (facts.Links <= 1 || linked.Add((facts.Identity.Device, facts.Identity.Inode))))
                bytes += facts.Size;
        }

        counters.ExpectBytes(bytes);
    }
}
