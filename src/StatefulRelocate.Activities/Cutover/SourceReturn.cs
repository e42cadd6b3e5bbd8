using StatefulRelocate.Activities.Blackout;
using StatefulRelocate.Activities.Durability;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;

namespace StatefulRelocate.Activities.Cutover;

/// <summary>
/// How the source comes back: the record first, then the durable copy, then the processes. Used by the undo of <c>fence</c>, the undo of
/// <c>quiesce</c> and the blackout guard, which may all come for the same app, in any order, more than once.
/// </summary>
internal sealed class SourceReturn(HeldApp held)
{
    private string CopyOfQuiesced => Path.Combine(held.Cluster.AppDirectory(held.App), "quiesced.json");

    /// <summary>Wins the record back and lifts the fence.</summary>
    /// <param name="order">The engine's order, or null when the agent acts alone: then it waits for the store.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public async Task LiftAsync(ActivityRequest? order, CancellationToken cancellationToken)
    {
        try
        {
            var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
            switch (await WinBackAsync(records, cancellationToken).ConfigureAwait(false))
            {
                case WriterDecision.Write(var next):
                    records.Keep(next, fenced: false);
                    break;
                case WriterDecision.Already(var current):
                    records.Keep(current, fenced: false);
                    break;
                case WriterDecision.Refused refused:
                    await TakeRefusalAsync(records, refused, cancellationToken).ConfigureAwait(false);
                    break;
            }
        }
        catch (Exception exception) when (
            order is not null && TypedFailures.Translate(exception) is { Failure.Code: "store-unreachable" } && MayLiftWithoutStore(order))
        {
            LiftWithoutStore();
        }
    }

    /// <summary>The pure change, made in the store; the guard decides on the outcome itself.</summary>
    public Task<WriterDecision> WinBackAsync(Leases.WriterRecords records, CancellationToken cancellationToken)
        => records.ChangeAsync((current, changeId) => held.Transitions.WinBack(current, held.Cluster.Name, changeId), cancellationToken);

    /// <summary>Remembers what only the running app can tell, before it is made silent.</summary>
    public void Remember(QuiescedApp quiesced) => DurableFile.Write(CopyOfQuiesced, quiesced, AgentFiles.Default.QuiescedApp);

    /// <summary>What was remembered in this relocation, or null.</summary>
    public QuiescedApp? Remembered()
    {
        var quiesced = DurableFile.Read(CopyOfQuiesced, AgentFiles.Default.QuiescedApp);
        return string.Equals(quiesced?.RelocationId, held.RelocationId, StringComparison.Ordinal) ? quiesced : null;
    }

    /// <summary>Thaws or restarts, runs the hook if the quiesce had begun, and disarms the guard. The fence was lifted before.</summary>
    /// <returns>The hook's warning, or null.</returns>
    public async Task<string?> ServeAgainAsync(CancellationToken cancellationToken)
    {
        var definition = await held.DefinitionAsync(cancellationToken).ConfigureAwait(false);
        await held.Cluster.UnquiesceAsync(held.App, cancellationToken).ConfigureAwait(false);
        string? warning = null;
        if (Remembered() is not null)
        {
            if (definition.Hooks.Unquiesce is { } hook)
                warning = await held.Cluster.RunHookAsync(held.App, hook, cancellationToken).ConfigureAwait(false);
            DurableFile.Delete(CopyOfQuiesced);
        }

        BlackoutDeadline.Disarm(held.Cluster, held.App, held.RelocationId);
        return warning;
    }

    private async Task TakeRefusalAsync(Leases.WriterRecords records, WriterDecision.Refused refused, CancellationToken cancellationToken)
    {
        // The lease was released already, or an operator broke it in favour of this cluster: then nothing is to be won.
        var record = await records.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (record is { RelocationId: null } && string.Equals(record.Writer, held.Cluster.Name, StringComparison.Ordinal))
        {
            records.Keep(record, fenced: false);
            return;
        }

        throw refused.Refusal is WriterRefusal.OtherWriter or WriterRefusal.Undone
            ? new ActivityException("target-is-writer", refused.Message + "; the source waits until the app is proved stopped there")
            : new ActivityException("superseded", refused.Message, retryable: false);
    }

    // Only a run that took this epoch itself knows that nobody else was given the record, and only while it never dispatched a start.
    private static bool MayLiftWithoutStore(ActivityRequest order)
        => !order.StartDispatched && order.Epoch > 0 && order.Captured("lease")?.Epoch == order.Epoch;

    private void LiftWithoutStore()
    {
        var copy = held.Cluster.ReadWriterState(held.App);
        var record = held.DemandHeldCopy();
        held.Cluster.WriteWriterState(
            held.App,
            copy with { Fenced = false, Record = record with { Writer = held.Cluster.Name, Phase = RelocationPhase.Undone } });
    }
}
