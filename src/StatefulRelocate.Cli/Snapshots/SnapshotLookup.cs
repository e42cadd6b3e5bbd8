using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Manifests;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary>Finds snapshots in the repository and in the key domains of its apps.</summary>
internal static class SnapshotLookup
{
    /// <summary>All snapshots with where they are, ordered by time.</summary>
    public static async Task<List<(Repository Home, SnapshotManifest Manifest)>> AllAsync(Repository repository, CancellationToken cancellationToken)
    {
        var all = new List<(Repository Home, SnapshotManifest Manifest)>();
        await foreach (var home in repository.DomainsAsync(cancellationToken))
        {
            await foreach (var manifest in home.Snapshots.ListAsync(cancellationToken))
                all.Add((home, manifest));
        }

        all.Sort((a, b) => (a.Manifest.CreatedAt, a.Manifest.Id).CompareTo((b.Manifest.CreatedAt, b.Manifest.Id)));
        return all;
    }

    /// <summary>The snapshot of that id, or of the one that begins so, or the latest.</summary>
    /// <exception cref="RelocateException">There is none, or several begin so.</exception>
    public static async Task<(Repository Home, SnapshotManifest Manifest)> GetAsync(Repository repository, string id, string? app, CancellationToken cancellationToken)
    {
        var homes = new List<Repository>();
        await foreach (var home in repository.DomainsAsync(cancellationToken))
            homes.Add(home);
        if (homes is [var only])
            return (only, await only.Snapshots.GetAsync(id, app, cancellationToken));
        if (id == "latest")
        {
            return (await AllAsync(repository, cancellationToken)).LastOrDefault(s => app is null || s.Manifest.App == app) is { Manifest: not null } newest ? newest
                : throw new RelocateException($"{repository.Store.Description}: there is no snapshot {(app is null ? "yet" : $"of app '{app}'")}");
        }

        var found = new List<(Repository, SnapshotManifest)>();
        foreach (var home in homes)
        {
            foreach (var manifest in await home.Snapshots.FindByBeginningAsync(id, cancellationToken))
                found.Add((home, manifest));
        }

        return found switch
        {
            [var one] => one,
            [] => throw new RelocateException($"{repository.Store.Description}: there is no snapshot '{id}'; see 'relocate snapshot list'"),
            _ => throw new RelocateException($"{repository.Store.Description}: '{id}' begins the ids of {found.Count} snapshots: {string.Join(", ", found.Take(3).Select(m => m.Item2.Id))}{(found.Count > 3 ? " …" : "")}"),
        };
    }
}
