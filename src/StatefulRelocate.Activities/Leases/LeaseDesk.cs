using System.Security.Cryptography;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Leases;

namespace StatefulRelocate.Activities.Leases;

/// <summary>What an operator may do to a writer record by hand: look at it, and break it.</summary>
public sealed class LeaseDesk
{
    private readonly WriterRecordStore _store;

    /// <summary>Opens the desk of one repository.</summary>
    public LeaseDesk(Repository repository) => _store = new WriterRecordStore(repository);

    /// <summary>The record of an app, or null when it never had one.</summary>
    public async Task<WriterRecord?> ShowAsync(string app, CancellationToken cancellationToken)
        => (await _store.ReadAsync(app, cancellationToken).ConfigureAwait(false))?.Record;

    /// <summary>
    /// Takes the record from whoever holds it and names the writer, under an epoch above all that were seen, on the operator's word that
    /// the app runs nowhere else. Then tell the agents (<see cref="AdoptAsync(IAgentEnvironment, string, string, CancellationToken)"/>): one that cannot be reached goes by its own copy until it comes up again
    /// with the store in reach (<see cref="MissedBreaks"/>).
    /// </summary>
    /// <param name="app">The app.</param>
    /// <param name="writer">The cluster that may run it from now on.</param>
    /// <param name="highestEpoch">The highest epoch that any agent reports, or 0.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public async Task<WriterRecord> BreakAsync(string app, string writer, long highestEpoch, CancellationToken cancellationToken)
    {
        var current = await _store.ReadAsync(app, cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var changeId = RandomNumberGenerator.GetHexString(32, lowercase: true);
            var next = ((WriterDecision.Write)WriterClaims.Break(current?.Record, app, writer, highestEpoch, changeId)).Next;
            var swap = await _store.SwapAsync(current, next, cancellationToken).ConfigureAwait(false);
            if (swap.Won)
                return next;
            current = swap.Current;
        }
    }

    /// <summary>
    /// An agent takes the record over into its durable copy: the fence is lifted where it names the agent's cluster and no relocation
    /// holds it; everywhere else it is set, and the app is killed. The claim of a relocation that no longer holds the record is removed.
    /// </summary>
    /// <returns>The durable copy that stands now.</returns>
    public static async Task<AppWriterState> AdoptAsync(IAgentEnvironment environment, string app, string repository, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(environment);
        var held = new HeldApp(environment, app, string.Empty, 0, repository);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        if (await records.ReadAsync(cancellationToken).ConfigureAwait(false) is { RelocationId: null } record)
            await AdoptAsync(held, records, record, cancellationToken).ConfigureAwait(false);
        return records.Copy;
    }

    internal static async Task AdoptAsync(HeldApp held, WriterRecords records, WriterRecord record, CancellationToken cancellationToken)
    {
        var isWriter = string.Equals(record.Writer, held.Cluster.Name, StringComparison.Ordinal);
        records.Keep(record, fenced: !isWriter);
        LeaseClaim.Break(held.Cluster, held.App);
        if (!isWriter && await held.Cluster.FindAsync(held.App, cancellationToken).ConfigureAwait(false) is not null)
        {
            // It may have come up, on the word of its old copy, since the operator looked.
            await held.Cluster.KillAsync(held.App, cancellationToken).ConfigureAwait(false);
            await held.DemandSilenceAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
