using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Activities.Leases;

/// <summary>
/// What an agent missed while it was away: an operator who broke the writer record of an app. It looks once, when it comes up, before it starts any app. A
/// store that is not in reach stops nothing: the agent then goes by its durable copy, as everywhere else.
/// </summary>
public static class MissedBreaks
{
    /// <summary>How long it waits for the stores; no safety depends on it.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>Looks at the record of every app that the agent has a copy of, and takes over what was decided without it.</summary>
    /// <param name="environment">The agent's.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static Task LearnAsync(IAgentEnvironment environment, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(environment);
        return Task.WhenAll(environment.Cluster.Apps.Select(app => TryLearnAsync(environment, app, cancellationToken)));
    }

    /// <summary>What is damaged of one app must not keep the others down.</summary>
    private static async Task TryLearnAsync(IAgentEnvironment environment, string app, CancellationToken cancellationToken)
    {
        try
        {
            await LearnAsync(environment, app, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is ClusterException or ActivityException or RelocateException or IOException or UnauthorizedAccessException)
        {
            environment.Log($"app '{app}': {error.Message}");
        }
    }

    private static async Task LearnAsync(IAgentEnvironment environment, string app, CancellationToken cancellationToken)
    {
        if (environment.Cluster.ReadWriterState(app).Repository is not { } repository)
            return;
        using var patience = new CancellationTokenSource(s_patience, environment.Time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        WriterRecord? record;
        var held = new HeldApp(environment, app, string.Empty, 0, repository);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        WriterRecords records;
        try
        {
            records = await held.OpenRecordsAsync(limit.Token).ConfigureAwait(false);
            record = await records.ReadAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is ObjectStoreException or RelocateException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            environment.Log($"app '{app}': repository '{repository}' cannot be asked who may run it, so what is known here counts: {(error is OperationCanceledException ? "no answer" : error.Message)}");
            return;
        }

        if (record is null || !IsNews(record, records.Copy, environment.Cluster.Name))
            return;
        environment.Log($"app '{app}': decided while this cluster was off (epoch {record.Epoch}): {record.Writer} may run it");
        try
        {
            // A relocation that holds the record by now is no business of this cluster, and must not keep its operator from stopping or deleting the app.
            await LeaseDesk.AdoptAsync(held, records, record with { RelocationId = null, Phase = RelocationPhase.None }, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is ClusterException or ActivityException)
        {
            // The fence stands: nothing starts it. What of it still runs, a person has to look at.
            environment.Log($"app '{app}': {error.Message}");
        }
    }

    /// <summary>
    /// Above every epoch that was seen here stands what was decided without this agent. Only a break takes the record from a cluster whose agent did not give it
    /// away; only a record that no relocation holds gives it back, since a relocation's own steps tell this agent what it may do.
    /// </summary>
    private static bool IsNews(WriterRecord record, AppWriterState copy, string cluster)
    {
        if (record.Epoch <= copy.HighestEpoch)
            return false;
        var isWriter = string.Equals(record.Writer, cluster, StringComparison.Ordinal);
        return record.RelocationId is null || (copy.MayRun(cluster) && !isWriter);
    }
}
