using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Leases;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Keys;

/// <summary>A key of the repository, as it can be told without opening it.</summary>
/// <param name="Id">Eight hex digits.</param>
/// <param name="Kind"><c>passphrase</c> or <c>key</c>.</param>
/// <param name="App">The one app that it opens; null: everything.</param>
/// <param name="Label">What it was called when it was added; null: nothing.</param>
/// <param name="AddedAt">When, by the store's clock.</param>
/// <param name="Current">Whether this session was opened with it.</param>
public sealed record RepositoryKeyInfo(string Id, string Kind, string? App, string? Label, DateTimeOffset AddedAt, bool Current);

/// <summary>
/// The keys of a repository. Each wraps the same master key, or that of one app, so that adding and removing them rewrites no data.
/// Whoever kept a copy of a key object and its passphrase can open what was stored with that master key for ever: a removed key is no
/// new master key.
/// </summary>
public sealed class KeyDirectory
{
    private const int LongestLabel = 80;
    private readonly Repository _repository;

    /// <summary>Makes one.</summary>
    public KeyDirectory(Repository repository) => _repository = repository;

    /// <summary>All keys, by id; those of other apps, too.</summary>
    public async Task<ImmutableArray<RepositoryKeyInfo>> ListAsync(CancellationToken cancellationToken)
    {
        var keys = ImmutableArray.CreateBuilder<RepositoryKeyInfo>();
        await foreach (var (name, _, lastModified) in _repository.Store.ListAsync(Prefix, cancellationToken).ConfigureAwait(false))
        {
            if (await _repository.Store.GetAsync(name, cancellationToken).ConfigureAwait(false) is { } stored && KeyWrapping.Parse(stored.Content) is { } key)
                keys.Add(new RepositoryKeyInfo(name[Prefix.Length..], key.Kind == KeyWrapping.Argon ? "passphrase" : "key", key.App, key.Label, lastModified, name == _repository.OpenedWith));
        }

        return keys.ToImmutable();
    }

    /// <summary>Adds a key.</summary>
    /// <param name="key">What will open the repository.</param>
    /// <param name="app">The one app that it opens: the first such key gives the app a key domain of its own. Null: everything.</param>
    /// <param name="label">What to call it, up to 80 characters; null: nothing.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Its id.</returns>
    /// <exception cref="RelocateException">The app is being relocated, or this session may not.</exception>
    public async Task<string> AddAsync(RepositoryKey key, string? app, string? label, CancellationToken cancellationToken)
    {
        if (label is { Length: > LongestLabel } || label?.Any(char.IsControl) == true)
            throw new RelocateException($"a key's label has up to {LongestLabel} characters, and no control characters");
        var scope = _repository;
        if (_repository.App is not null && app is null)
            throw new RelocateException($"{_repository.Store.Description}: this session was opened with a key of app '{_repository.App}', so it can add keys of that app only");
        if (app is not null)
            scope = _repository.App is null ? await MakeDomainAsync(app, cancellationToken).ConfigureAwait(false) : await _repository.ForAppAsync(app, cancellationToken).ConfigureAwait(false);
        var wrapped = KeyWrapping.Wrap(key, _repository.RootId, app, scope.Keys.Master) with { Label = label };
        while (true)
        {
            var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
            if (await _repository.Store.PutAsync(Prefix + id, JsonSerializer.SerializeToUtf8Bytes(wrapped, RepositoryJson.Default.WrappedKey), PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false) is not null)
                return id;
        }
    }

    /// <summary>Removes a key: from then on it opens nothing.</summary>
    /// <exception cref="RelocateException">There is no such key, it is the last one that opens everything, or this session may not.</exception>
    public async Task RemoveAsync(string id, CancellationToken cancellationToken)
    {
        var keys = await ListAsync(cancellationToken).ConfigureAwait(false);
        var key = keys.FirstOrDefault(k => k.Id == id)
            ?? throw new RelocateException($"{_repository.Store.Description}: there is no key '{id}'; see 'relocate repo key list'");
        if (_repository.App is not null && key.App != _repository.App)
            throw new RelocateException($"{_repository.Store.Description}: this session was opened with a key of app '{_repository.App}', so it can remove keys of that app only");
        var last = new RelocateException($"{_repository.Store.Description}: '{id}' is the last key that opens the whole repository; add another one first");
        if (key.App is null && keys.Count(k => k.App is null) == 1)
            throw last;
        var kept = await _repository.Store.GetAsync(Prefix + id, cancellationToken).ConfigureAwait(false);
        await _repository.Store.DeleteAsync(Prefix + id, cancellationToken).ConfigureAwait(false);
        if (key.App is not null || kept is null || (await ListAsync(CancellationToken.None).ConfigureAwait(false)).Any(k => k.App is null))
            return;

        // Somebody else removed the other one at the same time.
        await _repository.Store.PutAsync(Prefix + id, kept.Content, PutCondition.IfAbsent, CancellationToken.None).ConfigureAwait(false);
        throw last;
    }

    /// <summary>The app's writer record as long as the repository's key opens it: once resealed, an earlier attempt did not come to its end.</summary>
    private async Task<WriterRecordVersion?> RecordAsync(Repository domain, string app, CancellationToken cancellationToken)
    {
        try
        {
            return await new WriterRecordStore(_repository).ReadAsync(app, cancellationToken).ConfigureAwait(false);
        }
        catch (DamageException)
        {
            _ = await new WriterRecordStore(domain).ReadAsync(app, cancellationToken).ConfigureAwait(false);
            return null;
        }
    }

    private string Prefix => $"keys/{_repository.RootId}-";

    /// <summary>The app's own domain; made when there is none. Snapshots that the app has already stay where they are.</summary>
    private async Task<Repository> MakeDomainAsync(string app, CancellationToken cancellationToken)
    {
        if (!Repository.IsAppName(app))
            throw new RelocateException($"'{app}' is no app name: use a-z, 0-9 and '-'");
        if (await _repository.FindDomainAsync(app, cancellationToken).ConfigureAwait(false) is { } existing)
            return existing;
        var domain = _repository.Domain(app);

        // The app's writer record becomes readable with its keys alone. From then on agents that were started before refuse to read it.
        if (await RecordAsync(domain, app, cancellationToken).ConfigureAwait(false) is { } current)
        {
            if (current.Record.RelocationId is { } open)
                throw new RelocateException($"{_repository.Store.Description}: app '{app}' is being relocated by '{open}'; add its first key when that has ended");
            var next = current.Record with { ChangeId = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)) };
            if (!(await new WriterRecordStore(domain).SwapAsync(current, next, cancellationToken).ConfigureAwait(false)).Won)
                throw new RelocateException($"{_repository.Store.Description}: the writer record of app '{app}' has just changed; try again", ExitCode.OurError);
        }

        await domain.MarkDomainAsync(cancellationToken).ConfigureAwait(false);
        return await _repository.ForAppAsync(app, cancellationToken).ConfigureAwait(false);
    }
}
