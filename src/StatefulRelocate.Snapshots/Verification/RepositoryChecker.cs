using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Index;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Retention;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>Checks that every listed snapshot of a key domain can be restored; beside snapshots, forgets and prunes that are running.</summary>
public sealed class RepositoryChecker
{
    private readonly Repository _repository;
    private readonly FoundDamage _damage = new();

    /// <summary>Makes one, for one check.</summary>
    public RepositoryChecker(Repository repository) => _repository = repository;

    /// <summary>Checks the index, every pack's table, every snapshot's tree and root hash; and, if asked, every byte of every pack.</summary>
    /// <exception cref="ObjectStoreException">The store could not be reached.</exception>
    public Task<RepositoryChecked> CheckAsync(bool readData, CancellationToken cancellationToken)
        => CheckAsync(new CheckRequest { ReadPercent = readData ? 100 : 0 }, null, cancellationToken);

    /// <summary>Checks the index, every pack's table, every snapshot's tree and root hash; and a share of the packs to the last byte.</summary>
    /// <exception cref="ObjectStoreException">The store could not be reached.</exception>
    public async Task<RepositoryChecked> CheckAsync(CheckRequest request, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        // Snapshots first: whatever they need is in the index by then.
        var snapshots = await NamesAsync(ManifestStore.Prefix, cancellationToken).ConfigureAwait(false);
        var packs = new PackCheck(_repository, _damage, request.ReadPercent, progress);
        var places = await packs.RunAsync(cancellationToken).ConfigureAwait(false);
        var known = places.Packs.ToHashSet(StringComparer.Ordinal);
        var unused = (await NamesAsync("packs/", cancellationToken).ConfigureAwait(false)).Count(name => !known.Contains(name));
        await MarksAsync(cancellationToken).ConfigureAwait(false);
        var affected = new List<string>();
        var check = new SnapshotCheck(_repository, places, _damage);
        for (var i = 0; i < snapshots.Count; i++)
        {
            progress?.Report(new ActivityProgress { EntriesDone = i, Doing = "checking snapshots" });
            if (!await check.RunAsync(snapshots[i], cancellationToken).ConfigureAwait(false))
                affected.Add(snapshots[i]);
        }

        if (_damage.All().Count > 0)
            await ForgetDeletedAsync(cancellationToken).ConfigureAwait(false);
        var found = _damage.All();
        var damaged = found.Select(f => f.Object).Distinct(StringComparer.Ordinal).ToHashSet(StringComparer.Ordinal);
        return new RepositoryChecked([.. found.Select(f => f.Line)], snapshots.Count, places.Packs.Count, unused, packs.BytesRead)
        {
            AffectedSnapshots = [.. affected.Where(damaged.Contains).Select(name => name[ManifestStore.Prefix.Length..])],
            DamagedObjects = [.. damaged.Order(StringComparer.Ordinal)],
        };
    }

    /// <summary>A mark that cannot be read stops every writer, an announcement every prune.</summary>
    private async Task MarksAsync(CancellationToken cancellationToken)
    {
        foreach (var name in await NamesAsync(DeletionMark.Prefix, cancellationToken).ConfigureAwait(false))
            await _damage.TryAsync(name, () => name.Contains(StandingMark.PinInfix, StringComparison.Ordinal) ? Task.CompletedTask : DeletionMark.ReadAsync(_repository, name, cancellationToken)).ConfigureAwait(false);
        foreach (var name in await NamesAsync(WriterAnnouncement.Prefix, cancellationToken).ConfigureAwait(false))
            await _damage.TryAsync(name, () => WriterAnnouncement.ReadAsync(_repository, name, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>What a forget or a prune deleted while this looked is no damage: snapshots that are not listed any more, and packs that no index names.</summary>
    private async Task ForgetDeletedAsync(CancellationToken cancellationToken)
    {
        var snapshots = (await NamesAsync(ManifestStore.Prefix, cancellationToken).ConfigureAwait(false)).ToHashSet(StringComparer.Ordinal);
        var packs = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in await NamesAsync("index/", cancellationToken).ConfigureAwait(false))
        {
            try
            {
                packs.UnionWith((await BlockIndex.ReadAsync(_repository, name, cancellationToken).ConfigureAwait(false) ?? []).Select(t => t.Name));
            }
            catch (Keys.DamageException)
            {
                // Told already.
            }
        }

        _damage.Forget(name => (name.StartsWith(ManifestStore.Prefix, StringComparison.Ordinal) && !snapshots.Contains(name))
            || (name.StartsWith("packs/", StringComparison.Ordinal) && !packs.Contains(name)));
    }

    private async Task<List<string>> NamesAsync(string prefix, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        await foreach (var (name, _, _) in _repository.Store.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
            names.Add(name);
        return names;
    }
}
