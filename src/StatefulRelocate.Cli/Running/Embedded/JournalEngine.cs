using System.Security.Cryptography;
using StatefulRelocate.Cli.Clusters;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines;
using StatefulRelocate.Engines.Faults;

namespace StatefulRelocate.Cli.Running.Embedded;

/// <summary>
/// Relocations in the journal of the state directory, carried on by an engine in this process when none runs, else by following the one that does, and taking
/// its place when it ends.
/// </summary>
internal sealed class JournalEngine(JournalLocation location, RelocateConfig config, string configPath) : IRelocationEngine
{
    private static readonly TimeSpan FollowPoll = TimeSpan.FromMilliseconds(20);
    private RelocationJournal? _journal;

    public Task<IReadOnlyList<ListedRelocation>> ListAsync(CancellationToken cancellationToken)
    {
        if (_journal is null && !RelocationJournal.Exists(location.File))
            return Task.FromResult<IReadOnlyList<ListedRelocation>>([]);
        return Task.FromResult<IReadOnlyList<ListedRelocation>>([.. Existing().List().Select(each => new ListedRelocation(each.Id, each.CreatedAt, !each.Ended, () => Describe(each)))]);
    }

    public async Task<string> FindAsync(string? id, bool openOnly, CancellationToken cancellationToken)
    {
        Existing();
        return ListedRelocation.Find(await ListAsync(cancellationToken), id, openOnly);
    }

    public Task<IRelocationLog> OpenAsync(string id, CancellationToken cancellationToken) =>
        Task.FromResult<IRelocationLog>(new JournalLog(location, Existing(), Existing().Find(id) ?? throw new RelocateException($"no relocation '{id}'; see 'relocate list'")));

    public async Task CheckAsync(RelocationSpec spec, CancellationToken cancellationToken)
    {
        // A courtesy: what two runs at once may do to each other is settled by the writer record.
        if (location.FindOpen().FirstOrDefault(each => each.Plan.Spec.App == spec.App) is { } open)
            throw new RelocateException($"app '{spec.App}' is being moved by relocation {open.Id}; see 'relocate status {open.Id}', then wait for it, or 'relocate abort {open.Id}'");
        foreach (var cluster in (string[])[spec.Source, spec.Target])
            if (!await Cluster(cluster).IsUpAsync(cancellationToken))
                throw new RelocateException($"cluster '{cluster}' is not up; start it with 'relocate cluster up {cluster}'");
    }

    public Task<IRelocationLog> StartAsync(RelocationPlan plan, IReadOnlyList<Fault> faults, CancellationToken cancellationToken)
    {
        _journal ??= RelocationJournal.Open(location.File);
        _journal.Create(plan, faults.ToArray());
        return OpenAsync(plan.RelocationId, cancellationToken);
    }

    /// <summary>The order in the journal decides what becomes of it, whether an engine runs or not.</summary>
    public Task<SignalAnswer> SendAsync(string id, Signal signal, string signalId, CancellationToken cancellationToken)
    {
        Existing().Signal(id, signal, signalId);
        return Task.FromResult(Fold(Existing().Find(id)!).Answer(signalId)!);
    }

    public Task<bool> ReviveAsync(string id, CancellationToken cancellationToken) => Task.FromResult(false);

    public async Task CarryOnAsync(RelocationView view, CancellationToken cancellationToken)
    {
        while (!(await view.RefreshAsync(cancellationToken)).IsSettled)
        {
            using var free = EngineLock.TryTake(location.Lock);
            if (free is null)
            {
                await Task.Delay(FollowPoll, cancellationToken);
                continue;
            }

            await using var dispatcher = AgentDispatcher.OverSockets(cluster => Cluster(cluster).Socket);
            var engine = new EmbeddedEngine(Existing(), dispatcher, new EmbeddedEngineOptions
            {
                JitterSeed = RandomNumberGenerator.GetInt32(int.MaxValue),
                Progress = new ProgressBoard(location.Directory, TimeProvider.System),
            });
            await engine.RunUntilSettledAsync(view.Id, cancellationToken);
        }
    }

    public string Left(string id) => $"left in the middle; 'relocate resume {id}' finishes it";

    public void Dispose() => _journal?.Dispose();

    private RelocationJournal Existing() => _journal ??= location.OpenExisting();

    private ClusterEntry Cluster(string name) => ClusterEntry.One(config, location.StateDirectory, configPath, name);

    private SagaState Fold(JournaledRelocation relocation) =>
        Existing().Read(relocation.Id).Aggregate(SagaMachine.Start(relocation.Plan), static (state, entry) => SagaMachine.Evolve(state, entry.Event));

    private string Describe(JournaledRelocation relocation)
    {
        try
        {
            return SagaPhase.Describe(Fold(relocation));
        }
        catch (RelocateException error)
        {
            // One that this program cannot follow hides none of the others.
            return $"halted: {error.Message}";
        }
    }
}
