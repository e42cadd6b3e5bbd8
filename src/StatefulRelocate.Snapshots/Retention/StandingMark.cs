using System.Text.Json;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Retention;

/// <summary>
/// One mark below <c>prune/</c> with what belongs to it: <c>.writers</c>, who was writing right after it stood, and <c>.verdict</c>, what
/// of it is deleted. Both are put once, so that whoever goes on with it does the same as whoever began.
/// </summary>
internal sealed class StandingMark
{
    public const string WritersSuffix = ".writers", VerdictSuffix = ".verdict", PinInfix = ".pin.";
    private readonly Repository _repository;

    private StandingMark(Repository repository, string name, DeletionMark mark, DeletionMark? verdict) => (_repository, Name, Mark, Verdict) = (repository, name, mark, verdict);

    public string Name { get; }

    public DeletionMark Mark { get; }

    /// <summary>What of it is deleted; null while that is open.</summary>
    public DeletionMark? Verdict { get; private set; }

    /// <summary>All marks that stand. What a killed prune left of an ended one is taken away.</summary>
    public static async Task<List<StandingMark>> ListAsync(Repository repository, bool clean, CancellationToken cancellationToken)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        await foreach (var (name, _, _) in repository.Store.ListAsync(DeletionMark.Prefix, cancellationToken).ConfigureAwait(false))
            names.Add(name);
        var marks = new List<StandingMark>();
        foreach (var name in names.Where(DeletionMark.IsMark))
        {
            if (await DeletionMark.ReadAsync(repository, name, cancellationToken).ConfigureAwait(false) is { } mark)
                marks.Add(new StandingMark(repository, name, mark, await DeletionMark.ReadAsync(repository, name + VerdictSuffix, cancellationToken).ConfigureAwait(false)));
        }

        foreach (var name in clean ? names.Where(n => !DeletionMark.IsMark(n) && !names.Contains(n[..n.IndexOf('.', StringComparison.Ordinal)])) : [])
            await repository.Store.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
        return marks;
    }

    /// <summary>Condemns objects, and writes down who is writing right after: those may rely on them.</summary>
    /// <param name="repository">The repository.</param>
    /// <param name="objects">What nothing needs.</param>
    /// <param name="counted">Whether what a snapshot of that id needs was counted when that was found out.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task PutAsync(Repository repository, IEnumerable<string> objects, Predicate<string> counted, CancellationToken cancellationToken)
    {
        var (name, mark) = (DeletionMark.NewName(), new DeletionMark { Objects = [.. objects.Order(StringComparer.Ordinal)] });
        await mark.PutAsync(repository, name, cancellationToken).ConfigureAwait(false);
        await new StandingMark(repository, name, mark, null).WritersAsync(counted, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Lets a mark spare what a snapshot needs, also when that is forgotten before the mark is carried out: others may have built on it by then.
    /// </summary>
    public static Task PinAsync(Repository repository, string mark, SnapshotManifest manifest, CancellationToken cancellationToken)
    {
        var name = mark + PinInfix + manifest.Id;
        return repository.Store.PutAsync(
            name, repository.Keys.Seal("prune", name, JsonSerializer.SerializeToUtf8Bytes(manifest, RepositoryJson.Default.SnapshotManifest)), PutCondition.Always, cancellationToken);
    }

    /// <summary>The snapshots that the mark spares.</summary>
    public async IAsyncEnumerable<SnapshotManifest> PinnedAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (name, _, _) in _repository.Store.ListAsync(Name + PinInfix, cancellationToken).ConfigureAwait(false))
        {
            if (await _repository.Store.GetAsync(name, cancellationToken).ConfigureAwait(false) is { } stored
                && JsonSerializer.Deserialize(_repository.Keys.Open("prune", name, stored.Content), RepositoryJson.Default.SnapshotManifest) is { } manifest)
                yield return manifest;
        }
    }

    /// <summary>Since when, by the store's clock, it is known who was writing, and who. Where a killed prune did not come so far it is done now.</summary>
    public async Task<(DateTimeOffset Since, IReadOnlyList<string> Writers)> WritersAsync(Predicate<string> counted, CancellationToken cancellationToken)
    {
        var name = Name + WritersSuffix;
        if (await _repository.Store.HeadAsync(name, cancellationToken).ConfigureAwait(false) is null)
        {
            // Writers, snapshots, writers: whoever builds on a snapshot that was sealed while the mark was made, and forgotten again, is among the second.
            var writers = new SortedSet<string>(StringComparer.Ordinal);
            await AddWritersAsync(writers, cancellationToken).ConfigureAwait(false);
            await foreach (var manifest in _repository.Snapshots.ListAsync(cancellationToken).ConfigureAwait(false))
            {
                if (!counted(manifest.Id))
                    await PinAsync(_repository, Name, manifest, cancellationToken).ConfigureAwait(false);
            }

            await AddWritersAsync(writers, cancellationToken).ConfigureAwait(false);
            await new DeletionMark { Objects = [.. writers] }.TryPutAsync(_repository, name, cancellationToken).ConfigureAwait(false);
        }

        var head = await _repository.Store.HeadAsync(name, cancellationToken).ConfigureAwait(false);
        var listed = await DeletionMark.ReadAsync(_repository, name, cancellationToken).ConfigureAwait(false);
        return head is null || listed is null ? (DateTimeOffset.MaxValue, []) : (head.LastModified, listed.Objects);
    }

    /// <summary>Decides, once for all, what of it is deleted. False when the mark has ended meanwhile.</summary>
    public async Task<bool> DecideAsync(NeededObjects needed, CancellationToken cancellationToken)
    {
        var name = Name + VerdictSuffix;
        Verdict = new DeletionMark { Objects = [.. Mark.Objects.Where(o => !needed.Contains(o))] };
        if (!await Verdict.TryPutAsync(_repository, name, cancellationToken).ConfigureAwait(false))
            Verdict = await DeletionMark.ReadAsync(_repository, name, cancellationToken).ConfigureAwait(false);
        else if (await _repository.Store.HeadAsync(Name, cancellationToken).ConfigureAwait(false) is null)
        {
            // Another prune has carried out its verdict and taken mark and verdict away: since then its objects may be relied on again.
            await _repository.Store.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
            Verdict = null;
        }

        return Verdict is not null;
    }

    /// <summary>Ends it; the mark goes first, so that a verdict without a mark is one that has been carried out.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        await _repository.Store.DeleteAsync(Name, cancellationToken).ConfigureAwait(false);
        var rest = new List<string>();
        await foreach (var (name, _, _) in _repository.Store.ListAsync(Name + ".", cancellationToken).ConfigureAwait(false))
            rest.Add(name);
        if (rest.Count > 0)
            await _repository.Store.DeleteManyAsync(rest, cancellationToken).ConfigureAwait(false);
    }

    private async Task AddWritersAsync(SortedSet<string> writers, CancellationToken cancellationToken)
    {
        await foreach (var (writer, _, _) in _repository.Store.ListAsync(WriterAnnouncement.Prefix, cancellationToken).ConfigureAwait(false))
        {
            if (!PruneAnnouncement.Is(writer))
                writers.Add(writer);
        }
    }
}
