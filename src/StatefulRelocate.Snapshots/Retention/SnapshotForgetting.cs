using System.Collections.Immutable;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Leases;
using StatefulRelocate.Snapshots.Manifests;

namespace StatefulRelocate.Snapshots.Retention;

/// <summary>
/// Forgets snapshots: their manifests are deleted, and what only they needed is left for a prune. A snapshot of a relocation that is open,
/// or that the app's writer record names, is never forgotten.
/// </summary>
public sealed class SnapshotForgetting
{
    private readonly Repository _repository;

    /// <summary>Makes one.</summary>
    /// <param name="repository">With all its key domains.</param>
    public SnapshotForgetting(Repository repository) => _repository = repository;

    /// <summary>What a policy would keep and forget.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="selected">Which snapshots it speaks of; the others are kept and not told.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RelocateException">The policy keeps nothing, or what needs snapshots cannot be told.</exception>
    public async Task<ImmutableArray<RetentionDecision>> PlanAsync(RetentionPolicy policy, Func<SnapshotManifest, bool> selected, CancellationToken cancellationToken)
    {
        if (policy.IsEmpty)
            throw new RelocateException("the policy keeps nothing, so every snapshot would be forgotten; name at least one --keep-… option");
        return policy.Decide(await CandidatesAsync(selected, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>What would become of these snapshots, named one by one.</summary>
    /// <exception cref="RelocateException">There is no such snapshot, or it is needed.</exception>
    public async Task<ImmutableArray<RetentionDecision>> PlanAsync(IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        var candidates = await CandidatesAsync(m => ids.Contains(m.Id), cancellationToken).ConfigureAwait(false);
        if (ids.FirstOrDefault(id => candidates.All(c => c.Id != id)) is { } unknown)
            throw new RelocateException($"{_repository.Store.Description}: there is no snapshot '{unknown}'; see 'relocate snapshot list'; nothing was forgotten");
        if (candidates.FirstOrDefault(c => c.NeededBy is not null) is { } needed)
            throw new RelocateException($"{_repository.Store.Description}: snapshot '{needed.Id}' cannot be forgotten: {needed.NeededBy}; nothing was forgotten");
        return [.. candidates.Select(c => new RetentionDecision(c, []))];
    }

    /// <summary>Forgets what the decisions do not keep.</summary>
    public async Task ForgetAsync(IEnumerable<RetentionDecision> decisions, CancellationToken cancellationToken)
    {
        var ids = decisions.Where(d => !d.Keep).Select(d => d.Snapshot.Id).ToHashSet(StringComparer.Ordinal);
        await foreach (var home in _repository.DomainsAsync(cancellationToken).ConfigureAwait(false))
        {
            var names = new List<string>();
            await foreach (var (name, _, _) in home.Store.ListAsync(ManifestStore.Prefix, cancellationToken).ConfigureAwait(false))
            {
                if (ids.Contains(name[ManifestStore.Prefix.Length..]))
                    names.Add(name);
            }

            if (names.Count > 0)
                await home.Store.DeleteManyAsync(names, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Snapshots first and writer records after: a relocation is in the record before its first snapshot is in the list.</summary>
    private async Task<List<RetentionCandidate>> CandidatesAsync(Func<SnapshotManifest, bool> selected, CancellationToken cancellationToken)
    {
        var manifests = new List<SnapshotManifest>();
        await foreach (var home in _repository.DomainsAsync(cancellationToken).ConfigureAwait(false))
        {
            await foreach (var manifest in home.Snapshots.ListAsync(cancellationToken).ConfigureAwait(false))
            {
                if (selected(manifest))
                    manifests.Add(manifest);
            }
        }

        var open = new HashSet<string>(StringComparer.Ordinal);
        foreach (var app in manifests.Where(m => m.RelocationId is not null && Repository.IsAppName(m.App)).Select(m => m.App).Distinct(StringComparer.Ordinal))
        {
            var home = await _repository.ForAppAsync(app, cancellationToken).ConfigureAwait(false);
            if ((await new WriterRecordStore(home).ReadAsync(app, cancellationToken).ConfigureAwait(false))?.Record.RelocationId is { } relocation)
                open.Add(relocation);
        }

        return [.. manifests.Select(m => new RetentionCandidate(
            m.Id, m.App, m.CreatedAt, m.Tags, m.RelocationId is { } relocation && open.Contains(relocation) ? $"relocation {relocation} is open" : null))];
    }
}
