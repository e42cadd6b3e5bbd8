using System.Text.Json;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Manifests;

/// <summary>The sealed snapshots of a repository.</summary>
public sealed class ManifestStore
{
    /// <summary>Before the id in the name of a manifest.</summary>
    internal const string Prefix = "snapshots/";

    private const int ShortestBeginning = 4;
    private readonly Repository _repository;

    internal ManifestStore(Repository repository) => _repository = repository;

    /// <summary>The manifest of that id, or null when no such snapshot is sealed.</summary>
    /// <exception cref="DamageException">It is not what was sealed under that id.</exception>
    /// <exception cref="RelocateException">A prune gave the snapshot up while it was being taken, so nothing can be sealed under that id.</exception>
    public async Task<SnapshotManifest?> FindAsync(string id, CancellationToken cancellationToken)
    {
        var manifest = await ReadAsync(id, cancellationToken).ConfigureAwait(false);
        return manifest is not { GivenUp: true } ? manifest : throw new RelocateException(
            $"{_repository.Store.Description}: snapshot '{id}' was given up by a prune, because it took longer than prune's --writer-timeout; take it again under another id",
            ExitCode.OurError);
    }

    /// <summary>Whether a snapshot of that id is sealed.</summary>
    internal async Task<bool> IsSealedAsync(string id, CancellationToken cancellationToken)
        => await ReadAsync(id, cancellationToken).ConfigureAwait(false) is { GivenUp: false };

    /// <summary>
    /// Puts a mark in the place of the manifest of a writer that is believed dead: should it still live, it cannot seal any more. False
    /// when it has sealed.
    /// </summary>
    internal async Task<bool> GiveUpAsync(string id, CancellationToken cancellationToken)
        => await PutAsync(new SnapshotManifest { Id = id, App = "", CreatedAt = default, RootHash = "", GivenUp = true }, _ => { }, cancellationToken).ConfigureAwait(false)
            || !await IsSealedAsync(id, cancellationToken).ConfigureAwait(false);

    /// <summary>What stands under that id: a manifest, the mark of a snapshot that was given up, or nothing.</summary>
    internal async Task<SnapshotManifest?> ReadAsync(string id, CancellationToken cancellationToken)
    {
        CheckId(id);
        var name = Prefix + id;
        if (await _repository.Store.GetAsync(name, cancellationToken).ConfigureAwait(false) is not { } stored)
            return null;
        SnapshotManifest? manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(_repository.Keys.Open("snapshot", name, stored.Content), RepositoryJson.Default.SnapshotManifest);
        }
        catch (JsonException error)
        {
            throw new DamageException(name, "it is no manifest", error);
        }

        if (manifest is null || manifest.Id != id || IsCutShort(manifest))
            throw new DamageException(name, "it is no manifest of that snapshot");
        return manifest.Version == 0 ? manifest : throw new RelocateException($"{name}: manifest version {manifest.Version} is unknown to this program");
    }

    /// <summary>The manifest of that id; <c>latest</c> is the newest.</summary>
    /// <exception cref="RelocateException">There is none.</exception>
    public Task<SnapshotManifest> GetAsync(string id, CancellationToken cancellationToken) => GetAsync(id, null, cancellationToken);

    /// <summary>The manifest of that id, or of the one id that begins so (four characters at least); <c>latest</c> is the newest.</summary>
    /// <param name="id">The id, its beginning, or <c>latest</c>.</param>
    /// <param name="app">With <c>latest</c>: of this app only. Null: of any.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RelocateException">There is none, or several begin so.</exception>
    public async Task<SnapshotManifest> GetAsync(string id, string? app, CancellationToken cancellationToken)
    {
        if (id == "latest")
        {
            SnapshotManifest? newest = null;
            await foreach (var manifest in ListAsync(cancellationToken).ConfigureAwait(false))
            {
                if (app is null || manifest.App == app)
                    newest = newest is null || manifest.CreatedAt >= newest.CreatedAt ? manifest : newest;
            }

            return newest ?? throw new RelocateException($"{_repository.Store.Description}: there is no snapshot {(app is null ? "yet" : $"of app '{app}'")}");
        }

        var found = await FindByBeginningAsync(id, cancellationToken).ConfigureAwait(false);
        return found switch
        {
            [var one] => one,
            [] => throw new RelocateException($"{_repository.Store.Description}: there is no snapshot '{id}'; see 'relocate snapshot list'"),
            _ => throw new RelocateException($"{_repository.Store.Description}: '{id}' begins the ids of {found.Count} snapshots: {string.Join(", ", found.Take(3).Select(m => m.Id))}{(found.Count > 3 ? " …" : "")}"),
        };
    }

    /// <summary>The manifest of exactly that id, else all whose ids begin so; none for fewer than four characters.</summary>
    public async Task<IReadOnlyList<SnapshotManifest>> FindByBeginningAsync(string id, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, cancellationToken).ConfigureAwait(false) is { } exact)
            return [exact];
        var found = new List<SnapshotManifest>();
        if (id.Length < ShortestBeginning)
            return found;
        await foreach (var (name, _, _) in _repository.Store.ListAsync(Prefix + id, cancellationToken).ConfigureAwait(false))
        {
            if (await ReadAsync(name[Prefix.Length..], cancellationToken).ConfigureAwait(false) is { GivenUp: false } manifest)
                found.Add(manifest);
        }

        return found;
    }

    /// <summary>All manifests, ordered by id.</summary>
    public async IAsyncEnumerable<SnapshotManifest> ListAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (name, _, _) in _repository.Store.ListAsync(Prefix, cancellationToken).ConfigureAwait(false))
        {
            if (await ReadAsync(name[Prefix.Length..], cancellationToken).ConfigureAwait(false) is { GivenUp: false } manifest)
                yield return manifest;
        }
    }

    /// <summary>The differences between two snapshots, one line each: <c>+</c> added, <c>-</c> removed, <c>M</c> content, <c>U</c> metadata only.</summary>
    public async Task<IReadOnlyList<SnapshotDifference>> DiffAsync(SnapshotManifest from, SnapshotManifest to, CancellationToken cancellationToken)
        => SnapshotDiff.Compare(
            from, await LayerReader.ReadAllAsync(_repository, from, cancellationToken).ConfigureAwait(false),
            to, await LayerReader.ReadAllAsync(_repository, to, cancellationToken).ConfigureAwait(false));

    internal async Task<bool> PutAsync(SnapshotManifest manifest, Action<long> shipped, CancellationToken cancellationToken)
    {
        var name = Prefix + manifest.Id;
        var content = _repository.Keys.Seal("snapshot", name, JsonSerializer.SerializeToUtf8Bytes(manifest, RepositoryJson.Default.SnapshotManifest));
        shipped(content.Length);
        return await _repository.Store.PutAsync(name, content, PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false) is not null;
    }

    // What a document leaves out is null, whatever the record says.
    private static bool IsCutShort(SnapshotManifest manifest)
        => manifest.Layers.IsDefault || manifest.Layers.Any(layer => layer.IsDefault || layer.Contains(null!)) || manifest.Volumes.IsDefault || manifest.Volumes.Contains(null!)
            || manifest.Tags.IsDefault || manifest.Tags.Contains(null!) || manifest.Warnings.IsDefault || manifest.Warnings.Contains(null!) || manifest.Figures is null;

    internal static void CheckId(string id)
    {
        if (id.Length is 0 or > 120 || id.StartsWith('.') || !id.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-') || id == "prune")
            throw new RelocateException($"'{PathText.Show(id)}' is no snapshot id: up to 120 of a-z, 0-9, '.', '_' and '-'");
    }
}
