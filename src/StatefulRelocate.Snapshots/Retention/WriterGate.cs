using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Manifests;

namespace StatefulRelocate.Snapshots.Retention;

/// <summary>Says which marks no writer can rely on any more; gives up writers that are believed dead.</summary>
internal sealed class WriterGate
{
    private readonly Repository _repository;
    private readonly PruneRequest _request;
    private readonly NeededObjects _needed;
    private readonly Dictionary<string, DateTimeOffset> _writers = new(StringComparer.Ordinal);
    private DateTimeOffset _now;

    public WriterGate(Repository repository, PruneRequest request, NeededObjects needed) => (_repository, _request, _needed) = (repository, request, needed);

    /// <summary>What marks wait for that are not due.</summary>
    public List<string> Waiting { get; } = [];

    public List<string> GivenUp { get; } = [];

    /// <summary>Lists who is writing now.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        _now = await _repository.Store.ServerTimeAsync(cancellationToken).ConfigureAwait(false);
        await foreach (var (name, _, lastModified) in _repository.Store.ListAsync(WriterAnnouncement.Prefix, cancellationToken).ConfigureAwait(false))
        {
            if (!PruneAnnouncement.Is(name))
                _writers[name] = lastModified;
        }
    }

    /// <summary>Whether the mark has stood long enough, and everybody who was writing when it was put has ended or is given up.</summary>
    public async Task<bool> IsDueAsync(StandingMark mark, CancellationToken cancellationToken)
    {
        var (since, writers) = await mark.WritersAsync(_ => false, cancellationToken).ConfigureAwait(false);
        if (_now - since < _request.Grace && _request.Grace > TimeSpan.Zero)
        {
            Waiting.Add($"{mark.Mark.Objects.Length} objects condemned at {since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC wait for the grace period");
            return false;
        }

        var due = true;
        foreach (var writer in writers.Where(_writers.ContainsKey))
        {
            if (await WaitsForAsync(writer, cancellationToken).ConfigureAwait(false) is not { } who)
                continue;
            if (!Waiting.Contains(who))
                Waiting.Add(who);
            due = false;
        }

        return due;
    }

    /// <summary>
    /// Who writes now on top of a snapshot that is not listed any more, or has sealed one since the last list: he may need what only
    /// that one needed, and which was condemned before it was sealed. To be asked when the writers were listed once more after the snapshots.
    /// </summary>
    public async Task<string[]> BuildOnForgottenAsync(CancellationToken cancellationToken)
    {
        var blocked = new List<string>();
        foreach (var writer in _writers.Keys.ToArray())
        {
            var note = await NoteAsync(writer, cancellationToken).ConfigureAwait(false);
            if ((note is null || (note.Parent is { } parent && !_needed.HasSnapshot(parent)))
                && await WaitsForAsync(writer, cancellationToken).ConfigureAwait(false) is { } who)
                blocked.Add(who);
        }

        // Whoever has ended by now, and was not in the lists with what he sealed, is in this one.
        await foreach (var (name, _, _) in _repository.Store.ListAsync(ManifestStore.Prefix, cancellationToken).ConfigureAwait(false))
        {
            var id = name[ManifestStore.Prefix.Length..];
            if (_needed.HasSnapshot(id) || await _repository.Snapshots.ReadAsync(id, cancellationToken).ConfigureAwait(false) is not { GivenUp: false, Parent: { } parent }
                || _needed.HasSnapshot(parent))
                continue;
            blocked.Add($"snapshot '{id}' was sealed while this prune looked");
        }

        return [.. blocked];
    }

    /// <summary>Who it is, if he has not ended and is not believed dead; the dead are given up.</summary>
    private async Task<string?> WaitsForAsync(string writer, CancellationToken cancellationToken)
    {
        if (await _repository.Store.HeadAsync(writer, cancellationToken).ConfigureAwait(false) is null)
            return null;
        var note = await NoteAsync(writer, cancellationToken).ConfigureAwait(false);
        var who = $"snapshot '{WriterAnnouncement.SnapshotOf(writer)}' (process {note?.Process} on {note?.Machine}, since {_writers[writer].UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC)";
        if (_now - _writers[writer] < _request.WriterTimeout)
            return $"{who} is being taken";
        if (await _repository.Snapshots.GiveUpAsync(WriterAnnouncement.SnapshotOf(writer), cancellationToken).ConfigureAwait(false))
            GivenUp.Add(who);
        await _repository.Store.DeleteAsync(writer, cancellationToken).ConfigureAwait(false);
        return null;
    }

    private async Task<WriterNote?> NoteAsync(string writer, CancellationToken cancellationToken)
    {
        try
        {
            return await WriterAnnouncement.ReadAsync(_repository, writer, cancellationToken).ConfigureAwait(false);
        }
        catch (DamageException)
        {
            // It still says that somebody writes; only not who.
            return null;
        }
    }
}
