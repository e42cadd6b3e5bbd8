using System.Collections.Immutable;
using StatefulRelocate.Cli.Running;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Reports;
using StatefulRelocate.Engines;
using StatefulRelocate.Engines.Faults;

namespace StatefulRelocate.Cli.Demo;

/// <summary>The demo's relocation as its engine keeps it, read beside whoever carries it on.</summary>
/// <param name="id">The relocation.</param>
/// <param name="open">Opens the engine, to read.</param>
internal sealed class DemoRecord(string id, Func<CancellationToken, Task<IRelocationEngine>> open) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly SemaphoreSlim _opening = new(1);
    private IRelocationEngine? _engine;
    private RelocationView? _view;

    /// <summary>The relocation's id; it may not be there yet.</summary>
    public string Id => id;

    /// <summary>It and all that happened so far, or null while it is not there.</summary>
    public async Task<RelocationView?> ReadAsync(CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken);
        try
        {
            _engine ??= await open(cancellationToken);
            _view ??= await RelocationView.OpenAsync(await _engine.OpenAsync(id, cancellationToken), cancellationToken);
        }
        catch (RelocateException)
        {
            return null;
        }
        finally
        {
            _opening.Release();
        }

        return await _view.RefreshAsync(cancellationToken);
    }

    /// <summary>The same once it is over, which who carried it on has seen already; what is not over soon is given as it is.</summary>
    public async Task<RelocationView?> ReadToEndAsync(CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var view = await ReadAsync(cancellationToken);
            if (view is not { IsSettled: false } || TimeProvider.System.GetElapsedTime(began) > Patience)
                return view;
            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
    }

    /// <summary>The faults that were asked for, and what became of them.</summary>
    public IReadOnlyList<JournaledFault> Faults() => _view?.Log.ReadFaults(_view.Events) ?? [];

    /// <summary>The deaths of the engine.</summary>
    public ImmutableArray<CrashReport> Crashes() =>
    [
        .. Faults().Where(static fault => fault.Fault.Action == FaultAction.Crash && fault is { Step: not null, KilledPid: not null })
            .Select(static fault => new CrashReport(fault.Step!, fault.KilledPid!.Value, fault.ResumedPid)),
    ];

    public void Dispose()
    {
        _view?.Dispose();
        _engine?.Dispose();
        _opening.Dispose();
    }
}
