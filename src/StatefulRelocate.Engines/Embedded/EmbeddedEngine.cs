using System.Threading.Channels;
using StatefulRelocate.Core.Errors;

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
    private readonly Dictionary<string, RelocateException> _halted = new(StringComparer.Ordinal);

    /// <summary>Makes one.</summary>
    /// <param name="journal">The journal.</param>
    /// <param name="dispatcher">How it reaches the agents.</param>
    /// <param name="options">How it works.</param>
    public EmbeddedEngine(RelocationJournal journal, IActivityDispatcher dispatcher, EmbeddedEngineOptions? options = null) =>
        _context = new EngineContext(journal, dispatcher, options ?? new EmbeddedEngineOptions());

    /// <summary>Carries out what is in the journal and what others append, until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => RunAsync(static () => false, cancellationToken);

    /// <summary>
    /// Carries out what is in the journal until one relocation has ended or waits for a person, and no other one is in its blackout or being undone; those
    /// that are still open are then for the next engine.
    /// </summary>
    /// <exception cref="RelocateException">
    /// It cannot go on with that relocation, or with any: a damaged journal, or an error of this program. What goes wrong with another relocation
    /// halts only that one; the journal says why (<see cref="JournaledRelocation.Halted"/>).
    /// </exception>
    public Task RunUntilSettledAsync(string relocationId, CancellationToken cancellationToken)
    {
        return RunAsync(IsSettled, cancellationToken);

        bool IsSettled()
        {
            if (_halted.TryGetValue(relocationId, out var error) && !IsAnyInBlackout())
                throw error;
            var settled = _running.TryGetValue(relocationId, out var own)
                ? own.Runner.State.IsSettled
                : _context.Journal.Find(relocationId) is not { Ended: false };
            return settled && !IsAnyInBlackout();
        }

        bool IsAnyInBlackout() => _running.Values.Any(other => other.Runner.State is { IsSettled: false } state && (state.InBlackout || state.Compensating));
    }

    private async Task RunAsync(Func<bool> isDone, CancellationToken cancellationToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var watched = RelocationJournal.Open(_context.Journal.Path, _context.Time);
        // Asked before anything is taken up: what is written after this is noticed.
        var watching = WatchAsync(watched, watched.ReadDataVersion(), stopping.Token);
        _ = watching.ContinueWith(_ => _changed.Writer.TryWrite(true), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        try
        {
            while (true)
            {
                foreach (var (id, (_, task)) in _running.ToArray())
                {
                    if (!task.IsCompleted)
                        continue;
                    _running.Remove(id);
                    await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    stopping.Token.ThrowIfCancellationRequested();
                    if (task.Exception?.InnerException is { } error)
                        Halt(id, error);
                }

                if (Interlocked.Exchange(ref _written, false))
                    foreach (var (_, (runner, _)) in _running)
                        runner.Wake();
                // Also when nobody wrote: a relocation that has just ended, or waits for a person, has made room.
                TakeUp(stopping.Token);
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
        var busy = _running.Values.Count(running => running.Runner.State is { Outcome: null, Attention: null, AwaitsApproval: false, IsPaused: false });
        foreach (var id in _context.Journal.ListOpen())
        {
            if (busy >= _context.Options.MaximumConcurrentRelocations)
                return;
            if (_running.ContainsKey(id) || _halted.ContainsKey(id))
                continue;
            try
            {
                if (_context.Journal.Find(id) is { } relocation)
                    Start(relocation, stopping);
                busy++;
            }
            catch (Exception error) when (error is not (JournalException or OutOfMemoryException))
            {
                Halt(id, error);
            }
        }
    }

    private void Start(JournaledRelocation relocation, CancellationToken stopping)
    {
        // Throws for a plan of another machine: it waits for the program that knows it.
        var runner = new RelocationRunner(_context, relocation, () => _changed.Writer.TryWrite(true));
        if (relocation.Halted is not null)
            _context.Journal.Halt(relocation.Id, null);
        var task = runner.RunAsync(stopping);
        _running.Add(relocation.Id, (runner, task));
        _ = task.ContinueWith(_ => _changed.Writer.TryWrite(true), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    /// <summary>
    /// Lets go of one relocation that cannot go on, and of no other. Whatever it had under way is bounded by the agents themselves. A journal
    /// that cannot be written ends all.
    /// </summary>
    private void Halt(string id, Exception error)
    {
        if (error is JournalException)
            throw error;
        var halted = error as RelocateException ?? new RelocateException(
            $"relocation {id} is halted by an error of this program: {error.GetType().Name}: {error.Message.ReplaceLineEndings(" ")}; 'relocate resume {id}' tries again",
            ExitCode.OurError, error);
        _halted[id] = halted;
        _context.Journal.Halt(id, halted.Message);
    }

    /// <summary>
    /// Notices what anybody wrote, this process included, by a connection of its own. Everything that matters is found again by the
    /// condition on each commit; this only makes it quick.
    /// </summary>
    private async Task WatchAsync(RelocationJournal journal, long seen, CancellationToken stopping)
    {
        await Task.Yield();
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
