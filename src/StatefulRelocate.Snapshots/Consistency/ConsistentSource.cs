using System.Collections.Immutable;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Consistency;

/// <summary>
/// What one round reads: the live volumes, or read-only copies of them at one instant. Made between the hooks, and released whatever happens. Where all of it is a copy, the
/// hook after runs as soon as that stands, so that the app need not wait for the reading.
/// </summary>
internal sealed class ConsistentSource : IAsyncDisposable
{
    private readonly SnapshotRequest _request;
    private readonly string _journal;
    private readonly Action<string> _warn;
    private readonly HookRun _hooks;
    private readonly List<OpenDirectory> _live = [];
    private readonly List<BtrfsSource?> _copies = [];

    private ConsistentSource(SnapshotRequest request, string journal, TimeProvider time, Action<string> warn)
    {
        (_request, _journal, _warn) = (request, journal, warn);
        _hooks = new HookRun(request.DryRun ? new SourceHooks() : request.Hooks, journal, time, warn);
    }

    /// <summary>The volumes' directories to read, in the request's order.</summary>
    public ImmutableArray<OpenDirectory> Roots => [.. _live.Select((live, i) => _copies[i]?.Root ?? live)];

    /// <summary>No later than the instant that is shown, by the clock of file time stamps: whatever is stamped near it or later may have changed in the live tree under the same stamp.
    /// <see cref="long.MaxValue"/> where all that is read is live.</summary>
    public long AsOf { get; private set; }

    /// <summary>Runs the hook before and makes what is read.</summary>
    /// <param name="request">The round.</param>
    /// <param name="journal">The journal's directory, locked.</param>
    /// <param name="time">Measures the hooks' time limit.</param>
    /// <param name="warn">Takes what the user must be told.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RelocateException">The hook failed.</exception>
    public static async Task<ConsistentSource> OpenAsync(SnapshotRequest request, string journal, TimeProvider time, Action<string> warn, CancellationToken cancellationToken)
    {
        var source = new ConsistentSource(request, journal, time, warn);
        try
        {
            await source.OpenAsync(cancellationToken).ConfigureAwait(false);
            return source;
        }
        catch
        {
            await source.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The driver of each volume's changed ranges. The caller disposes them, before this.</summary>
    public ImmutableArray<IChangedRanges> OpenRanges()
    {
        var drivers = ImmutableArray.CreateBuilder<IChangedRanges>();
        try
        {
            for (var i = 0; i < _live.Count; i++)
            {
                var driver = _request.DryRun ? ScanRanges.Instance
                    : ChangedRangesDrivers.Open(_request.ChangedRanges, _live[i], _request.Volumes[i].Name, _journal, _request.AuditRanges || _request.Paranoid, _request.Final, _warn);
                drivers.Add(driver is ScanRanges && _request.SourceSnapshot == SourceSnapshotMode.Auto && _copies[i] is null && Ioctl.SharesExtents(_live[i].Handle)
                    ? new StableCopies(_live[i]) : driver);
            }

            return drivers.ToImmutable();
        }
        catch
        {
            foreach (var driver in drivers)
                driver.Dispose();
            throw;
        }
    }

    /// <summary>All was read: the app need not wait any longer.</summary>
    public Task ReadAsync() => _hooks.CloseAsync();

    /// <summary>Releases what was made; the hook after runs if it did not yet.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            _copies.ForEach(c => c?.Dispose());
            _live.ForEach(r => r.Dispose());
        }
        finally
        {
            await _hooks.CloseAsync().ConfigureAwait(false);
        }
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        foreach (var volume in _request.Volumes)
            BtrfsSource.RemoveLeftover(_journal, volume.Name, _warn);
        await _hooks.BeforeAsync(cancellationToken).ConfigureAwait(false);
        foreach (var volume in _request.Volumes)
            _live.Add(OpenDirectory.Open(volume.Path));

        // Before the first stat: pages that are mapped and dirty are written back and protected, so that a later store moves the mtime.
        foreach (var root in _live.DistinctBy(r => r.Handle.Facts().Identity.Device))
            root.Handle.SyncFileSystem();
        AsOf = KernelClock.Now();
        for (var i = 0; i < _live.Count; i++)
            _copies.Add(_request.SourceSnapshot == SourceSnapshotMode.Auto && !_request.DryRun ? BtrfsSource.TryTake(_live[i], _live[i].RealPath(), _journal, _request.Volumes[i].Name, _warn) : null);
        if (_copies.TrueForAll(c => c is not null))
            await _hooks.CloseAsync().ConfigureAwait(false);
        else if (_copies.TrueForAll(c => c is null))
            AsOf = long.MaxValue;
    }
}
