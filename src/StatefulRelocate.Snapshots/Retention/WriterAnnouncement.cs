using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Retention;

/// <summary>
/// The object <c>writers/&lt;snapshot&gt;.&lt;8 hex&gt;</c>: "a snapshot of that id is being written". It stands from before the writer looks at
/// what is stored until its manifest is sealed. A prune deletes nothing that it condemned while the writer was at work until the writer
/// has ended; a writer that began later finds the condemned objects in the marks, and counts them as not there.
/// </summary>
internal sealed class WriterAnnouncement : IAsyncDisposable
{
    public const string Prefix = "writers/";
    private const string LocalNote = "announced", SealingMark = "sealing";
    private readonly Repository _repository;
    private readonly string _note;
    private HashSet<string> _condemned = [];
    private string? _unclear;
    private bool _sealing, _answered;

    private WriterAnnouncement(Repository repository, string name, string note) => (_repository, Name, _note) = (repository, name, note);

    /// <summary>The object's name.</summary>
    public string Name { get; }

    /// <summary>Announces a writer, and learns what prunes have condemned.</summary>
    /// <param name="repository">The repository.</param>
    /// <param name="snapshotId">The id under which the manifest will be put.</param>
    /// <param name="parent">The snapshot that the writer builds on, or null. Whether it is sealed must be looked at again after this.</param>
    /// <param name="journalDirectory">The journal directory, locked by this round: it says whether a killed predecessor left its announcement.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<WriterAnnouncement> BeginAsync(Repository repository, string snapshotId, string? parent, string journalDirectory, CancellationToken cancellationToken)
    {
        ManifestStore.CheckId(snapshotId);
        var name = $"{Prefix}{snapshotId}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        var writing = new WriterAnnouncement(repository, name, Path.Combine(journalDirectory, LocalNote));
        await writing.EndPredecessorAsync(snapshotId, cancellationToken).ConfigureAwait(false);
        writing.Note();
        var content = JsonSerializer.SerializeToUtf8Bytes(
            new WriterNote { Snapshot = snapshotId, Parent = parent, Machine = Environment.MachineName, Process = Environment.ProcessId }, RetentionJson.Default.WriterNote);
        await repository.Store.PutAsync(name, repository.Keys.Seal("writer", name, content), PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false);
        try
        {
            // Only now: a mark that is not seen here was put by a prune that sees the announcement.
            writing._condemned = await DeletionMark.CondemnedAsync(repository, cancellationToken).ConfigureAwait(false);
            return writing;
        }
        catch
        {
            await writing.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Brings the index up to date for this writer; needed before it is asked for the first block, and by a round that finds nothing new not at all.</summary>
    public Task LoadIndexAsync(CancellationToken cancellationToken) => _repository.Index.RefreshForWritingAsync(_condemned, cancellationToken);

    /// <summary>
    /// Right before the manifest is put: from here on it may be sealed without this process knowing it. Every mark that stands is told to spare what it needs, because
    /// the next round may build on it, and it may be forgotten, before the mark is carried out.
    /// </summary>
    public async Task SealAsync(SnapshotManifest manifest, CancellationToken cancellationToken)
    {
        await foreach (var (name, _, _) in _repository.Store.ListAsync(DeletionMark.Prefix, cancellationToken).ConfigureAwait(false))
        {
            if (DeletionMark.IsMark(name))
                await StandingMark.PinAsync(_repository, name, manifest, cancellationToken).ConfigureAwait(false);
        }

        _sealing = true;
        Note();
    }

    /// <summary>It is known whether the manifest was sealed; what an earlier attempt under the same id sent cannot take effect any more.</summary>
    public void Answered() => _answered = true;

    /// <summary>The snapshot that an announcement speaks of.</summary>
    public static string SnapshotOf(string name) => name[Prefix.Length..name.LastIndexOf('.')];

    /// <summary>Who wrote an announcement, for people; null when it is gone.</summary>
    /// <exception cref="DamageException">It is none.</exception>
    public static async Task<WriterNote?> ReadAsync(Repository repository, string name, CancellationToken cancellationToken)
    {
        if (await repository.Store.GetAsync(name, cancellationToken).ConfigureAwait(false) is not { } stored)
            return null;
        try
        {
            return JsonSerializer.Deserialize(repository.Keys.Open("writer", name, stored.Content), RetentionJson.Default.WriterNote);
        }
        catch (JsonException error)
        {
            throw new DamageException(name, "it is no announcement", error);
        }
    }

    /// <summary>
    /// The writer has ended, whatever became of its snapshot. Only where the store did not answer the put of the manifest it stays, because that may
    /// still take effect: until a later round or a prune has decided it.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_sealing && !_answered)
            return;
        try
        {
            await _repository.Store.DeleteManyAsync(_unclear is not null && _answered ? [Name, _unclear] : [Name], CancellationToken.None).ConfigureAwait(false);
            File.Delete(_note);
        }
        catch (Exception error) when (error is ObjectStoreException or IOException or UnauthorizedAccessException)
        {
            // The note stays, so that the next round from here deletes it.
        }
    }

    /// <summary>This round holds the journal's lock, so whoever left a note there is dead. Whether what he sent last takes effect is decided first.</summary>
    private async Task EndPredecessorAsync(string snapshotId, CancellationToken cancellationToken)
    {
        string[] lines;
        try
        {
            lines = File.Exists(_note) ? await File.ReadAllLinesAsync(_note, cancellationToken).ConfigureAwait(false) : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return;
        }

        if (lines is not [var repository, var name, ..] || repository != _repository.Id || !name.StartsWith(Prefix, StringComparison.Ordinal))
            return;
        if (lines is [_, _, SealingMark, ..])
        {
            if (SnapshotOf(name) == snapshotId)
            {
                _unclear = name;
                return;
            }

            await _repository.Snapshots.GiveUpAsync(SnapshotOf(name), cancellationToken).ConfigureAwait(false);
        }

        await _repository.Store.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
    }

    private void Note()
    {
        try
        {
            File.WriteAllLines(_note, _sealing ? [_repository.Id, Name, SealingMark] : [_repository.Id, Name]);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Without the note an announcement left by a crash stays until a prune gives it up.
        }
    }
}

/// <summary>What an announcement says.</summary>
internal sealed record WriterNote
{
    public string Snapshot { get; init; } = "";

    public string Machine { get; init; } = "";

    public int Process { get; init; }

    /// <summary>The snapshot that the writer builds on, if any.</summary>
    public string? Parent { get; init; }

    /// <summary>Of a prune: the index objects that it may put.</summary>
    public ImmutableArray<string> Index { get; init; } = [];
}
