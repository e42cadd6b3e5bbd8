using System.Threading.Channels;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Engines;

/// <summary>
/// Carries out the open relocations of a journal, several at once, durably: whoever kills it at any instant loses nothing, and another one
/// goes on where it was. The caller holds the <see cref="EngineLock"/>.
/// </summary>
public sealed class EmbeddedEngine
{
    private readonly EngineContext _context;
    private readonly Channel<bool> _changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private bool _written = true;
    private readonly Dictionary<string, (RelocationRunner Runner, Task Task)> _running = new(StringComparer.Ordinal);

    /// <summary>Makes one.</summary>
    /// <param name="journal">The journal.</param>
    /// <param name="dispatcher">How it reaches the agents.</param>
    /// <param name="options">How it works.</param>
    public EmbeddedEngine(RelocationJournal journal, IActivityDispatcher dispatcher, EmbeddedEngineOptions? options = null) =>
        _context = new EngineContext(journal, dispatcher, options ?? new EmbeddedEngineOptions());

    /// <summary>Carries out what is in the journal and what others append, until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => RunAsync(static () => false, cancellationToken);

    /// <summary>
    /// Carries out what is in the journal until one relocation has ended or waits for a person, and no other one is in its blackout; those
    /// that are still open are then for the next engine.
    /// </summary>
    public Task RunUntilSettledAsync(string relocationId, CancellationToken cancellationToken)
    {
        return RunAsync(IsSettled, cancellationToken);

        bool IsSettled()
        {
            var settled = _running.TryGetValue(relocationId, out var own)
                ? own.Runner.State is { Outcome: not null } or { Attention: not null }
                : _context.Journal.Find(relocationId) is not { Ended: false };
            return settled && !_running.Values.Any(other => other.Runner.State is { InBlackout: true, Outcome: null, Attention: null });
        }
    }

    private async Task RunAsync(Func<bool> isDone, CancellationToken cancellationToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var watched = RelocationJournal.Open(_context.Journal.Path, _context.Time);
        var watching = WatchAsync(watched, stopping.Token);
        try
        {
            while (true)
            {
                foreach (var (id, (_, task)) in _running.ToArray())
                {
                    if (!task.IsCompleted)
                        continue;
                    _running.Remove(id);
                    await task.ConfigureAwait(false);
                }

                if (Interlocked.Exchange(ref _written, false))
                {
                    foreach (var (_, (runner, _)) in _running)
                        runner.Wake();
                    TakeUp(stopping.Token);
                }

                if (isDone())
                    return;
                await _changed.Reader.ReadAsync(stopping.Token).ConfigureAwait(false);
                if (watching.IsFaulted)
                    await watching.ConfigureAwait(false);
            }
        }
        finally
        {
            await stopping.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(_running.Values.Select(running => running.Task).Append(watching)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Starts open relocations, oldest first, as many as the limit allows; those that wait for a person take no place.</summary>
    private void TakeUp(CancellationToken stopping)
    {
        var busy = _running.Values.Count(running => running.Runner.State is { Attention: null, AwaitsApproval: false, IsPaused: false });
        foreach (var id in _context.Journal.ListOpen())
        {
            if (busy >= _context.Options.MaximumConcurrentRelocations)
                return;
            // One of another machine waits for the program that knows it.
            if (_running.ContainsKey(id) || _context.Journal.Find(id) is not { Plan.MachineVersion: SagaMachine.CurrentVersion } relocation)
                continue;
            var runner = new RelocationRunner(_context, relocation, () => _changed.Writer.TryWrite(true));
            var task = runner.RunAsync(stopping);
            _running.Add(id, (runner, task));
            _ = task.ContinueWith(_ => _changed.Writer.TryWrite(true), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            busy++;
        }
    }

    /// <summary>
    /// Notices what anybody wrote, this process included, by a connection of its own. Everything that matters is found again by the
    /// condition on each commit; this only makes it quick.
    /// </summary>
    private async Task WatchAsync(RelocationJournal journal, CancellationToken stopping)
    {
        await Task.Yield();
        var seen = journal.ReadDataVersion();
        using var timer = new PeriodicTimer(_context.Options.JournalPoll, _context.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false))
            {
                var version = journal.ReadDataVersion();
                if (version == seen)
                    continue;
                seen = version;
                _written = true;
                _changed.Writer.TryWrite(true);
            }
        }
        catch (OperationCanceledException)
        {
            // The engine stops.
        }
    }
}
