using System.Collections.Concurrent;
using StatefulRelocate.Activities.Cutover;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Core.Leases;

namespace StatefulRelocate.Activities.Blackout;

/// <summary>
/// Bounds the blackout from inside the agent, whether an engine lives or not: past the deadline that <c>quiesce</c> and <c>start</c>
/// wrote, the source tries to win the record back until it does, and the target stops the app and gives the record to nobody. What a
/// guard, an undo and a commit do at the same moment is decided by the writer record alone.
/// </summary>
public sealed class BlackoutGuard
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan FailurePause = TimeSpan.FromMilliseconds(250);

    private readonly IAgentEnvironment _environment;
    private readonly EffectJournal _journal;
    private readonly IBootClock _clock;
    private readonly ConcurrentDictionary<string, Task> _acting = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _said = new(StringComparer.Ordinal);

    /// <summary>Makes one.</summary>
    public BlackoutGuard(IAgentEnvironment environment, EffectJournal journal) : this(environment, journal, BootClock.Instance)
    {
    }

    internal BlackoutGuard(IAgentEnvironment environment, EffectJournal journal, IBootClock clock)
        => (_environment, _journal, _clock) = (environment, journal, clock);

    /// <summary>
    /// To be called before the cluster starts what may run: an app on a target whose deadline has passed (another boot counts as
    /// passed) is fenced, so that it is not started again before the record was read.
    /// </summary>
    /// <param name="apps">The apps that the cluster's state directory holds.</param>
    public void HoldExpired(IEnumerable<string> apps)
    {
        ArgumentNullException.ThrowIfNull(apps);
        foreach (var app in apps)
            if (Read(app) is { Role: BlackoutRole.Target } deadline && deadline.IsExpired(_clock))
                _environment.Cluster.WriteWriterState(app, _environment.Cluster.ReadWriterState(app) with { Fenced = true });
    }

    /// <summary>Guards until cancelled; an agent runs exactly one.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                foreach (var app in _environment.Cluster.Apps)
                    if (Read(app) is { } deadline && deadline.IsExpired(_clock) && (!_acting.TryGetValue(app, out var running) || running.IsCompleted))
                        _acting[app] = Task.Run(() => TryAsync(deadline, cancellationToken), CancellationToken.None);
                await Task.Delay(Period, _environment.Time, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await Task.WhenAll(_acting.Values).ConfigureAwait(false);
        }
    }

    /// <summary>One look at one app, and what follows from it. Returns when nothing more can be done at this moment.</summary>
    internal async Task ActAsync(BlackoutDeadline deadline, CancellationToken cancellationToken)
    {
        using var turn = await _journal.EnterUndoAsync(deadline.App, cancellationToken).ConfigureAwait(false);
        // An undo may have ended while this waited for its turn.
        if (BlackoutDeadline.Read(_environment.Cluster, deadline.App) != deadline)
            return;
        var held = await HeldAsync(deadline, cancellationToken).ConfigureAwait(false);
        if (deadline.Role is BlackoutRole.Source)
            await BringSourceBackAsync(held, cancellationToken).ConfigureAwait(false);
        else
            await StopTargetAsync(held, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Under the epoch of the record: a later run of the same relocation may have taken it over, and died too.</summary>
    private async Task<HeldApp> HeldAsync(BlackoutDeadline deadline, CancellationToken cancellationToken)
    {
        var held = new HeldApp(_environment, deadline.App, deadline.RelocationId, deadline.Epoch, deadline.Repository);
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        var record = await records.ReadAsync(cancellationToken).ConfigureAwait(false);
        return string.Equals(record?.RelocationId, deadline.RelocationId, StringComparison.Ordinal) && record!.Epoch > deadline.Epoch
            ? new HeldApp(_environment, deadline.App, deadline.RelocationId, record.Epoch, deadline.Repository)
            : held;
    }

    private async Task BringSourceBackAsync(HeldApp held, CancellationToken cancellationToken)
    {
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        var source = new SourceReturn(held);
        switch (await source.WinBackAsync(records, cancellationToken).ConfigureAwait(false))
        {
            case WriterDecision.Refused { Refusal: WriterRefusal.NotHeld } when await IsOursAsync(held, records, cancellationToken).ConfigureAwait(false):
                break;
            case WriterDecision.Refused { Refusal: WriterRefusal.NotHeld } when await IsTakenOverAsync(held, records, cancellationToken).ConfigureAwait(false):
                return; // Look again, under the new epoch.
            case WriterDecision.Refused { Refusal: WriterRefusal.Committed or WriterRefusal.NotHeld }:
                // The target serves for good, or somebody else holds the record: nothing is left to guard.
                BlackoutDeadline.Disarm(held.Cluster, held.App, held.RelocationId);
                return;
            case WriterDecision.Refused:
                return; // The target is the writer: its own guard stops it; look again.
            default:
                break;
        }

        // The swap is won, so no do of this relocation can reach its end; only now are they ended. Closing before would refuse the
        // retire of a relocation that commits at this very moment.
        await _journal.CloseAsync(held.App, held.RelocationId, cancellationToken).ConfigureAwait(false);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        await source.LiftAsync(order: null, cancellationToken).ConfigureAwait(false);
        await source.ServeAgainAsync(cancellationToken).ConfigureAwait(false);
    }

    // Released in favour of this cluster, by the undo of the lease or by an operator: then the app is to serve here.
    private static async Task<bool> IsOursAsync(HeldApp held, Leases.WriterRecords records, CancellationToken cancellationToken)
        => await records.ReadAsync(cancellationToken).ConfigureAwait(false) is { RelocationId: null } record
            && string.Equals(record.Writer, held.Cluster.Name, StringComparison.Ordinal);

    // Another run of the same relocation raised the epoch since the guard read it. It may die as well: the deadline stays.
    private static async Task<bool> IsTakenOverAsync(HeldApp held, Leases.WriterRecords records, CancellationToken cancellationToken)
        => string.Equals((await records.ReadAsync(cancellationToken).ConfigureAwait(false))?.RelocationId, held.RelocationId, StringComparison.Ordinal);

    private async Task StopTargetAsync(HeldApp held, CancellationToken cancellationToken)
    {
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        var target = new TargetStop(held);
        if (await target.MarkUndoneAsync(records, cancellationToken).ConfigureAwait(false) is WriterDecision.Refused refused)
        {
            await LetGoAsync(held, refused, cancellationToken).ConfigureAwait(false);
            return;
        }

        await _journal.CloseAsync(held.App, held.RelocationId, cancellationToken).ConfigureAwait(false);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        await target.StopAsync(records, cancellationToken).ConfigureAwait(false);
    }

    // Committed, or not held any more. Where the record still names this cluster, a fence that was set after a restart is lifted again.
    private static async Task LetGoAsync(HeldApp held, WriterDecision.Refused refused, CancellationToken cancellationToken)
    {
        if (refused.Refusal is not (WriterRefusal.Committed or WriterRefusal.NotHeld))
            return;
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        var record = await records.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (refused.Refusal is WriterRefusal.NotHeld && string.Equals(record?.RelocationId, held.RelocationId, StringComparison.Ordinal))
            return; // Taken over by another run of the same relocation: look again, under the new epoch.
        if (string.Equals(record?.Writer, held.Cluster.Name, StringComparison.Ordinal) && record!.Phase is RelocationPhase.Committed or RelocationPhase.None)
        {
            var wasHeld = records.Copy.Fenced;
            records.Keep(record, fenced: false);
            if (wasHeld)
                await held.Cluster.StartAsync(held.App, cancellationToken).ConfigureAwait(false);
        }

        BlackoutDeadline.Disarm(held.Cluster, held.App, held.RelocationId);
    }

    private async Task TryAsync(BlackoutDeadline deadline, CancellationToken cancellationToken)
    {
        try
        {
            await ActAsync(deadline, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // The file stands, and the next turn of the loop tries again: at once where the store did not answer, more slowly
            // where a hook or the cluster failed.
            Say(deadline.App, exception.Message);
            if (TypedFailures.Translate(exception) is not { Failure.Code: "store-unreachable" })
                await Task.Delay(FailurePause, _environment.Time, CancellationToken.None).ConfigureAwait(false);
        }
    }

    // A deadline that cannot be read is that of one app; it must not take the guard from the others.
    private BlackoutDeadline? Read(string app)
    {
        try
        {
            return BlackoutDeadline.Read(_environment.Cluster, app);
        }
        catch (Exception error) when (error is ActivityException or IOException or UnauthorizedAccessException)
        {
            Say(app, $"its blackout deadline cannot be read: {error.Message}");
            return null;
        }
    }

    private void Say(string app, string what)
    {
        if (_said.TryGetValue(app, out var last) && string.Equals(last, what, StringComparison.Ordinal))
            return;
        _said[app] = what;
        _environment.Log($"blackout guard of {app}: {what}");
    }
}
