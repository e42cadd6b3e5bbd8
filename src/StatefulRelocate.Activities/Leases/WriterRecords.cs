using System.Security.Cryptography;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Leases;

namespace StatefulRelocate.Activities.Leases;

/// <summary>
/// Changes the writer record of one app in the store, and keeps this agent's durable copy. A change is decided on what was read and
/// written on condition that it is still that; after a lost race it is decided again on the new record.
/// </summary>
/// <param name="cluster">Keeps the copy.</param>
/// <param name="repository">Has the record.</param>
/// <param name="repositoryName">Its name in the agent's configuration.</param>
/// <param name="app">The app.</param>
internal sealed class WriterRecords(ICluster cluster, Repository repository, string repositoryName, string app)
{
    private readonly WriterRecordStore _store = new(repository);

    public async Task<WriterRecord?> ReadAsync(CancellationToken cancellationToken)
        => (await _store.ReadAsync(app, cancellationToken).ConfigureAwait(false))?.Record;

    /// <summary>Makes the change, or finds it made; a refusal comes back and nothing was written.</summary>
    /// <param name="change">The pure change: of the record that was read, with a fresh change id.</param>
    /// <param name="cancellationToken">Cancels between two attempts, and the attempt.</param>
    public async Task<WriterDecision> ChangeAsync(Func<WriterRecord?, string, WriterDecision> change, CancellationToken cancellationToken)
    {
        var current = await _store.ReadAsync(app, cancellationToken).ConfigureAwait(false);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var decision = change(current?.Record, RandomNumberGenerator.GetHexString(32, lowercase: true));
            if (decision is not WriterDecision.Write(var next))
                return decision;
            var swap = await _store.SwapAsync(current, next, cancellationToken).ConfigureAwait(false);
            if (swap.Won)
                return decision;
            current = swap.Current;
        }
    }

    /// <summary>As <see cref="ChangeAsync"/>; a refusal is thrown as the failure of the step.</summary>
    /// <returns>The record that stands now.</returns>
    public async Task<WriterRecord> DemandAsync(
        Func<WriterRecord?, string, WriterDecision> change,
        CancellationToken cancellationToken)
        => await ChangeAsync(change, cancellationToken).ConfigureAwait(false) switch
        {
            WriterDecision.Write(var next) => next,
            WriterDecision.Already(var current) => current,
            WriterDecision.Refused refused => throw new ActivityException(FailureCode.Superseded, refused.Message, retryable: false),
            _ => throw new InvalidOperationException("unknown decision"),
        };

    /// <summary>The durable copy. Where it names this cluster and no fence stands, the app may run without asking the store.</summary>
    public AppWriterState Copy => cluster.ReadWriterState(app);

    /// <summary>Sets the fence, durably, before anything else happens; the copy of the record stays what it was.</summary>
    public void SetFence()
    {
        var copy = Copy;
        if (!copy.Fenced)
            cluster.WriteWriterState(app, copy with { Fenced = true });
    }

    /// <summary>Takes a record over into the copy, with the fence standing or lifted.</summary>
    public void Keep(WriterRecord record, bool fenced)
    {
        var copy = Copy;
        var next = new AppWriterState { Record = record, Repository = repositoryName, Fenced = fenced, HighestEpoch = Math.Max(copy.HighestEpoch, record.Epoch) };
        if (next != copy)
            cluster.WriteWriterState(app, next);
    }
}
