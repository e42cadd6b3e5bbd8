using StatefulRelocate.Activities.Blackout;
using StatefulRelocate.Activities.Leases;
using StatefulRelocate.Core.Leases;

namespace StatefulRelocate.Activities.Cutover;

/// <summary>
/// How the target gives up: undone in the record (or it is committed, and nothing is done), then no start by this agent, then the kill and
/// its proof, and only then the record goes to nobody. Used by the undo of <c>start</c> and by the blackout guard.
/// </summary>
internal sealed class TargetStop(HeldApp held)
{
    public Task<WriterDecision> MarkUndoneAsync(WriterRecords records, CancellationToken cancellationToken)
        => records.ChangeAsync((current, changeId) => held.Transitions.MarkUndone(current, changeId), cancellationToken);

    /// <summary>Stops the app, proves it, gives the record to nobody and takes the marks off. The record says undone already.</summary>
    public async Task StopAsync(WriterRecords records, CancellationToken cancellationToken)
    {
        records.SetFence();
        if (await held.Cluster.FindAsync(held.App, cancellationToken).ConfigureAwait(false) is not null)
        {
            await held.Cluster.KillAsync(held.App, cancellationToken).ConfigureAwait(false);
            await held.DemandSilenceAsync(cancellationToken).ConfigureAwait(false);
        }

        var record = await records.DemandAsync(
            (current, changeId) => held.Transitions.Stop(current, held.Cluster.Name, changeId), cancellationToken).ConfigureAwait(false);
        records.Keep(record, fenced: true);
        foreach (var volume in held.Marks.Marked())
            held.Marks.UnmarkStarted(volume, held.RelocationId);
        BlackoutDeadline.Disarm(held.Cluster, held.App, held.RelocationId);
    }
}
