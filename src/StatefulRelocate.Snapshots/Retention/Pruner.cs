using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Retention;

/// <summary>
/// Deletes what no listed snapshot needs, beside running snapshots and restores, without a lock: what nothing needs is condemned, and
/// deleted by a later run, when everybody who was writing has ended and nothing needs it then. The protocol is in docs/repository-format.md.
/// A killed prune is finished by the next one. Two at once: the one that began later goes on, the other fails with a line that says so.
/// </summary>
public sealed class Pruner
{
    private const int SpareIndexObjects = 5, DeletedAtOnce = 1000, ListsAtMost = 5;
    private static readonly TimeSpan GivenUpFor = TimeSpan.FromDays(30);
    private readonly Repository _repository;
    private PruneOutcome _outcome = new();

    /// <summary>Makes one, for one key domain.</summary>
    public Pruner(Repository repository) => _repository = repository;

    /// <summary>Prunes the domain.</summary>
    /// <exception cref="RelocateException">Something is damaged, or another prune took over.</exception>
    /// <exception cref="ObjectStoreException">The store could not be reached.</exception>
    public async Task<PruneOutcome> RunAsync(PruneRequest request, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        if (request.DryRun)
        {
            var needed = new NeededObjects(_repository);
            await CondemnAsync(request, needed, await StandingMark.ListAsync(_repository, clean: false, cancellationToken).ConfigureAwait(false), progress, cancellationToken).ConfigureAwait(false);
            return _outcome;
        }

        var indexBytes = 0L;
        await foreach (var (_, size, _) in _repository.Store.ListAsync("index/", cancellationToken).ConfigureAwait(false))
            indexBytes += size;
        var announcement = await PruneAnnouncement.BeginAsync(_repository, (int)(indexBytes / IndexRewriter.Full) + SpareIndexObjects, cancellationToken).ConfigureAwait(false);
        await using (announcement.ConfigureAwait(false))
        {
            await announcement.TakeOverAsync(cancellationToken).ConfigureAwait(false);
            var needed = new NeededObjects(_repository);
            await CondemnAsync(
                request, needed, await StandingMark.ListAsync(_repository, clean: true, cancellationToken).ConfigureAwait(false), progress, cancellationToken).ConfigureAwait(false);
            await FinishMarksAsync(request, needed, announcement, progress, cancellationToken).ConfigureAwait(false);
            await TidyAsync(request, cancellationToken).ConfigureAwait(false);
        }

        return _outcome;
    }

    /// <summary>Condemns what was there before the snapshots were listed, is old enough, and is needed by none of them.</summary>
    private async Task CondemnAsync(PruneRequest request, NeededObjects needed, List<StandingMark> marks, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        var now = await _repository.Store.ServerTimeAsync(cancellationToken).ConfigureAwait(false);
        var objects = new List<ObjectInfo>();
        foreach (var prefix in new[] { "packs/", "maps/" })
        {
            await foreach (var found in _repository.Store.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
                objects.Add(found);
        }

        await needed.AddListedAsync(Report(progress), cancellationToken).ConfigureAwait(false);
        var already = marks.SelectMany(m => m.Mark.Objects).ToHashSet(StringComparer.Ordinal);
        var garbage = objects.Where(o => !needed.Contains(o.Name) && !already.Contains(o.Name) && now - o.LastModified >= request.Grace).ToList();
        _outcome = _outcome with { Condemned = garbage.Count, CondemnedBytes = garbage.Sum(o => o.Size), KeptBytes = objects.Where(o => needed.Contains(o.Name)).Sum(o => o.Size) };
        if (garbage.Count > 0 && !request.DryRun)
            await StandingMark.PutAsync(_repository, garbage.Select(o => o.Name), needed.HasSnapshot, cancellationToken).ConfigureAwait(false);
    }

    private async Task FinishMarksAsync(PruneRequest request, NeededObjects needed, PruneAnnouncement announcement, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        var marks = await StandingMark.ListAsync(_repository, clean: false, cancellationToken).ConfigureAwait(false);
        var due = new List<StandingMark>();

        // Snapshots are listed before the writers, and again after: what a writer builds on counts as needed even when it is forgotten just now.
        await needed.AddListedAsync(Report(progress), cancellationToken).ConfigureAwait(false);
        var gate = new WriterGate(_repository, request, needed);
        await gate.LookAsync(cancellationToken).ConfigureAwait(false);
        foreach (var mark in marks)
        {
            if (mark.Verdict is not null || await gate.IsDueAsync(mark, cancellationToken).ConfigureAwait(false))
                due.Add(mark);
        }

        // Who began meanwhile may build on a snapshot that was sealed after the first list, too early to pin what it needs, and forgotten before the
        // second. Where snapshots are sealed all the time, another list has what this one has not.
        string[] blocked = [], before;
        var lists = 0;
        do
        {
            before = blocked;
            await needed.AddListedAsync(Report(progress), cancellationToken).ConfigureAwait(false);
            await gate.LookAsync(cancellationToken).ConfigureAwait(false);
            blocked = await gate.BuildOnForgottenAsync(cancellationToken).ConfigureAwait(false);
        }
        while (blocked.Length > 0 && !blocked.SequenceEqual(before) && ++lists < ListsAtMost && due.Any(static mark => mark.Verdict is null));
        _outcome = _outcome with { Waiting = [.. _outcome.Waiting, .. gate.Waiting.Union(blocked)], GivenUp = [.. _outcome.GivenUp, .. gate.GivenUp] };
        foreach (var mark in due.Where(m => m.Verdict is null))
        {
            await foreach (var pinned in mark.PinnedAsync(cancellationToken).ConfigureAwait(false))
                await needed.AddPinnedAsync(pinned, cancellationToken).ConfigureAwait(false);
        }

        var dead = new HashSet<string>(StringComparer.Ordinal);
        var decided = new List<StandingMark>();
        foreach (var mark in due)
        {
            if (mark.Verdict is null && (blocked.Length > 0 || !await mark.DecideAsync(needed, cancellationToken).ConfigureAwait(false)))
                continue;
            decided.Add(mark);
            dead.UnionWith(mark.Verdict!.Objects);
        }

        var merged = await new IndexRewriter(_repository, announcement).RunAsync(dead, cancellationToken).ConfigureAwait(false);
        await DeleteAsync(dead, progress, cancellationToken).ConfigureAwait(false);
        foreach (var mark in decided)
            await mark.EndAsync(cancellationToken).ConfigureAwait(false);
        _outcome = _outcome with { IndexObjectsMerged = merged, Rescued = decided.Sum(m => m.Mark.Objects.Length - m.Verdict!.Objects.Length) };
    }

    private async Task DeleteAsync(HashSet<string> dead, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        var present = new List<ObjectInfo>();
        foreach (var prefix in dead.Count > 0 ? new[] { "maps/", "packs/" } : [])
        {
            await foreach (var found in _repository.Store.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
            {
                if (dead.Contains(found.Name))
                    present.Add(found);
            }
        }

        var done = 0;
        foreach (var some in present.Chunk(DeletedAtOnce))
        {
            await _repository.Store.DeleteManyAsync([.. some.Select(o => o.Name)], cancellationToken).ConfigureAwait(false);
            progress?.Report(new ActivityProgress { EntriesDone = done += some.Length, Doing = "deleting" });
        }

        _outcome = _outcome with { Deleted = _outcome.Deleted + present.Count, DeletedBytes = _outcome.DeletedBytes + present.Sum(o => o.Size) };
    }

    /// <summary>Hints of rounds that have ended, and marks of snapshots that were given up long ago.</summary>
    private async Task TidyAsync(PruneRequest request, CancellationToken cancellationToken)
    {
        var now = await _repository.Store.ServerTimeAsync(cancellationToken).ConfigureAwait(false);
        var old = new List<string>();
        await foreach (var (name, _, lastModified) in _repository.Store.ListAsync("streams/", cancellationToken).ConfigureAwait(false))
        {
            if (now - lastModified > request.WriterTimeout)
                old.Add(name);
        }

        await foreach (var (name, size, lastModified) in _repository.Store.ListAsync("index/", cancellationToken).ConfigureAwait(false))
        {
            if (size <= KeyRing.EmptyLength && now - lastModified > GivenUpFor)
                old.Add(name);
        }

        await foreach (var (name, _, lastModified) in _repository.Store.ListAsync(ManifestStore.Prefix, cancellationToken).ConfigureAwait(false))
        {
            if (now - lastModified > GivenUpFor && await _repository.Snapshots.ReadAsync(name[ManifestStore.Prefix.Length..], cancellationToken).ConfigureAwait(false) is { GivenUp: true })
                old.Add(name);
        }

        if (old.Count > 0)
            await _repository.Store.DeleteManyAsync(old, cancellationToken).ConfigureAwait(false);
    }

    private static Action<string> Report(IProgress<ActivityProgress>? progress)
    {
        var read = 0;
        return _ => progress?.Report(new ActivityProgress { EntriesDone = ++read, Doing = "reading snapshots" });
    }
}
