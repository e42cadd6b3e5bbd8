using System.Collections;
using StatefulRelocate.Snapshots.Index;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;

namespace StatefulRelocate.Snapshots.Retention;

/// <summary>What the listed snapshots need: packs and parts of trees. A pack that holds one needed block is needed, whatever other pack holds it, too.</summary>
internal sealed class NeededObjects
{
    private readonly Repository _repository;
    private readonly HashSet<string> _manifests = new(StringComparer.Ordinal);
    private readonly HashSet<string> _packs = new(StringComparer.Ordinal);
    private readonly HashSet<string> _maps = new(StringComparer.Ordinal);
    private readonly HashSet<UInt128> _chunks = [];
    private PackPlaces? _places;
    private BitArray _used = new(0);

    public NeededObjects(Repository repository) => _repository = repository;

    public bool Contains(string name) => _packs.Contains(name) || _maps.Contains(name);

    /// <summary>Whether a snapshot of that id counts.</summary>
    public bool HasSnapshot(string id) => _manifests.Contains(id);

    /// <summary>Adds what all snapshots need that are listed now and were not before.</summary>
    /// <exception cref="DamageException">A snapshot is damaged, so it cannot be told what it needs.</exception>
    public async Task AddListedAsync(Action<string> progress, CancellationToken cancellationToken)
    {
        await foreach (var manifest in _repository.Snapshots.ListAsync(cancellationToken).ConfigureAwait(false))
        {
            if (!_manifests.Contains(manifest.Id))
            {
                progress(manifest.Id);
                await AddAsync(manifest, cancellationToken).ConfigureAwait(false);
            }
        }

        if (_places is not null)
            _packs.UnionWith(_places.Names(_used));
    }

    /// <summary>Adds what is left of what a snapshot needs that may be forgotten, and lack some of it.</summary>
    public async Task AddPinnedAsync(SnapshotManifest manifest, CancellationToken cancellationToken)
    {
        if (_manifests.Contains(manifest.Id))
            return;
        if (_places is null)
            await LoadPlacesAsync(cancellationToken).ConfigureAwait(false);
        _maps.UnionWith(manifest.Layers.SelectMany(l => l));
        try
        {
            await Task.Run(() => UseAll(manifest, tolerant: true, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        catch (DamageException)
        {
            // A part of its tree is gone: then nobody builds on it any more.
        }

        _packs.UnionWith(_places!.Names(_used));
    }

    private async Task AddAsync(SnapshotManifest manifest, CancellationToken cancellationToken)
    {
        if (_places is null)
            await LoadPlacesAsync(cancellationToken).ConfigureAwait(false);
        if (!await Task.Run(() => UseAll(manifest, tolerant: false, cancellationToken), cancellationToken).ConfigureAwait(false))
        {
            // It was sealed after the index was read.
            await LoadPlacesAsync(cancellationToken).ConfigureAwait(false);
            if (!await Task.Run(() => UseAll(manifest, tolerant: false, cancellationToken), cancellationToken).ConfigureAwait(false))
                throw new DamageException("snapshots/" + manifest.Id, "it needs blocks that are in no pack that the index knows; nothing is deleted while that is so: run 'relocate repo check'");
        }

        _manifests.Add(manifest.Id);
        _maps.UnionWith(manifest.Layers.SelectMany(l => l));
    }

    /// <summary>Entry by entry, so that a large tree is never in memory.</summary>
    private bool UseAll(SnapshotManifest manifest, bool tolerant, CancellationToken cancellationToken)
    {
        foreach (var (entry, _) in TreeMerge.Read(_repository, [], manifest.Layers, null, cancellationToken))
        {
            foreach (var (_, chunk) in entry.Blocks.Stored())
            {
                // Snapshots of one app share nearly all their chunks: one look at each is enough.
                var digest = System.Runtime.InteropServices.MemoryMarshal.Read<UInt128>(chunk.Digest(_repository.Keys));
                if (_chunks.Contains(digest))
                    continue;
                var all = true;
                foreach (var id in chunk.Ids)
                {
                    if (id == default || _places!.Use(id, _used))
                        continue;
                    if (!tolerant)
                        return false;
                    all = false;
                }

                if (all)
                    _chunks.Add(digest);
            }
        }

        return true;
    }

    private async Task LoadPlacesAsync(CancellationToken cancellationToken)
    {
        if (_places is not null)
            _packs.UnionWith(_places.Names(_used));
        while ((_places = await TryLoadPlacesAsync(cancellationToken).ConfigureAwait(false)) is null)
        {
            // An object went away between list and get: another prune has put one in its place.
        }

        _used = _places.NoneUsed();
    }

    private async Task<PackPlaces?> TryLoadPlacesAsync(CancellationToken cancellationToken)
    {
        var places = new PackPlaces.Builder();
        await foreach (var (name, _, _) in _repository.Store.ListAsync("index/", cancellationToken).ConfigureAwait(false))
        {
            if (await BlockIndex.ReadAsync(_repository, name, cancellationToken).ConfigureAwait(false) is not { } tables)
                return null;
            foreach (var table in tables)
                places.Add(table);
        }

        return places.Build();
    }
}
