using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Index;

/// <summary>Where a block stands.</summary>
internal readonly record struct BlockPlace(int Pack, int Segment, int Offset, int Length);

/// <summary>
/// Which block is where, from the objects below <c>index/</c>: what a cache on this machine's disk stands for is mapped, the rest is
/// loaded at each refresh and kept in memory, in 28 to 56 bytes a block.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Reliability", "CA1001", Justification = "A semaphore whose wait handle is never asked for holds nothing to dispose of.")]
internal sealed class BlockIndex
{
    private const int LeastFreshBlocks = 32 * 1024, MaxFreshObjects = 32, SpillBlocks = 512 * 1024;
    private readonly Repository _repository;
    private readonly SemaphoreSlim _refreshing = new(1, 1);
    private readonly HashSet<string> _loaded = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly List<PackTable> _packs = [];
    private BlockTable _places = new();
    private IndexCache? _cache;
    private int _cachedFrom;
    private string? _cachePath;
    private int _savedBlocks, _savedObjects;
    private readonly HashSet<int> _condemned = [];
    private HashSet<string> _condemnedNames = [];

    public BlockIndex(Repository repository) => _repository = repository;

    /// <summary>Whether a writer may rely on the block: it stands in a pack that no prune has condemned.</summary>
    public bool Contains(UInt128 id)
    {
        lock (_lock)
            return Place(id) is { } place && !_condemned.Contains(place.Pack);
    }

    public BlockPlace? Find(UInt128 id)
    {
        lock (_lock)
            return Place(id);
    }

    public PackTable Pack(int number)
    {
        lock (_lock)
            return _packs[number];
    }

    /// <summary>Where this machine keeps what it knows of the index; of use before the first refresh only.</summary>
    public void UseCache(string path) => _cachePath ??= path;

    /// <summary>Keeps what is known on this machine's disk, when that has become much more than the cache stands for. Failing to is no error.</summary>
    public async Task SaveCacheAsync(CancellationToken cancellationToken)
    {
        if (_cachePath is null || !_refreshing.Wait(0, cancellationToken))
            return;
        try
        {
            var (blocks, objects) = (_places.Count - _savedBlocks, _loaded.Count - _savedObjects);
            if (blocks <= Math.Max(LeastFreshBlocks, ((_cache?.Blocks ?? 0) + _savedBlocks) / 8) && objects <= MaxFreshObjects)
                return;
            await Task.Run(Save, cancellationToken).ConfigureAwait(false);
            (_savedBlocks, _savedObjects) = (_places.Count, _loaded.Count);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next process reads the objects themselves.
        }
        finally
        {
            _refreshing.Release();
        }
    }

    /// <summary>Loads the index objects that appeared since, and forgets the packs that only vanished ones name.</summary>
    public Task RefreshAsync(CancellationToken cancellationToken) => RefreshAsync(null, cancellationToken);

    /// <summary>The same for a writer; blocks in packs that a prune has condemned count as not there.</summary>
    public Task RefreshForWritingAsync(HashSet<string> condemned, CancellationToken cancellationToken) => RefreshAsync(condemned, cancellationToken);

    private async Task RefreshAsync(HashSet<string>? condemned, CancellationToken cancellationToken)
    {
        await _refreshing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // What was condemned stays condemned in this process: another writer in it may have begun after a mark that this one does not know.
            if (condemned is not null)
                Condemn([.. _condemnedNames, .. condemned]);
            while (!await LoadAsync(cancellationToken).ConfigureAwait(false))
            {
                // An object went away between list and get: a prune has put another in its place.
            }
        }
        finally
        {
            _refreshing.Release();
        }
    }

    private async Task<bool> LoadAsync(CancellationToken cancellationToken)
    {
        var listed = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var (name, size, _) in _repository.Store.ListAsync("index/", cancellationToken).ConfigureAwait(false))
        {
            if (size > KeyRing.EmptyLength)
                listed.Add(name);
        }

        if (_loaded.Count == 0 && _cache is null && _cachePath is not null)
            UseCached(IndexCache.Open(_cachePath, _repository.Id), listed);

        // After a prune all is read again before anything is forgotten: others are looking for blocks meanwhile.
        var again = !_loaded.IsSubsetOf(listed);
        var fresh = new List<(string Name, IReadOnlyList<PackTable> Tables)>();
        foreach (var name in listed.Where(n => again || !_loaded.Contains(n)).Order(StringComparer.Ordinal).ToList())
        {
            if (await ReadAsync(_repository, name, cancellationToken).ConfigureAwait(false) is not { } tables)
                return false;
            fresh.Add((name, tables));
            if (!again)
                Take(fresh);
        }

        lock (_lock)
        {
            // Numbers of packs stay valid for those who hold some.
            if (again)
            {
                (_places, _cache, _cachePath) = (new BlockTable(), null, null);
                _loaded.Clear();
            }

            Take(fresh);
        }

        return true;
    }

    private void Take(List<(string Name, IReadOnlyList<PackTable> Tables)> fresh)
    {
        lock (_lock)
        {
            foreach (var (name, tables) in fresh)
            {
                Add(tables);
                _loaded.Add(name);
            }
        }

        fresh.Clear();
        Spill();
    }

    /// <summary>Hands what is in memory over to the cache when it has become much, so that memory does not grow with what is stored.</summary>
    private void Spill()
    {
        if (_cachePath is null || _places.Count < SpillBlocks)
            return;
        try
        {
            Save();
            if (IndexCache.Open(_cachePath, _repository.Id) is not { } cache)
                return;
            lock (_lock)
            {
                _cache?.Dispose();
                (_cache, _cachedFrom, _places) = (cache, 0, new BlockTable());
            }

            (_savedBlocks, _savedObjects) = (0, _loaded.Count);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It stays in memory.
        }
    }

    private void UseCached(IndexCache? cache, HashSet<string> listed)
    {
        if (cache is null)
            return;
        if (!cache.Objects.IsSubsetOf(listed))
        {
            // A prune has replaced what it stands for.
            cache.Dispose();
            return;
        }

        lock (_lock)
        {
            (_cache, _cachedFrom) = (cache, _packs.Count);
            foreach (var pack in cache.Packs)
            {
                _packs.Add(pack);
                if (_condemnedNames.Contains(pack.Name))
                    _condemned.Add(_packs.Count - 1);
            }

            _loaded.UnionWith(cache.Objects);
            _savedObjects = _loaded.Count;
        }
    }

    private BlockPlace? Place(UInt128 id)
        => id == default ? null
            : _places.Find(id) ?? (_cache?.Find(id) is { } cached ? cached with { Pack = cached.Pack + _cachedFrom } : null);

    private void Save()
    {
        // Whoever forgets packs uses no cache any more, so numbers of packs count from the first in both.
        IndexCache.Save(_cachePath!, _repository.Id, _loaded, _packs, (_cache?.Blocks ?? 0) + _places.Count, Cached().Concat(Fresh()));

        IEnumerable<BlockSlot> Fresh()
        {
            for (var i = 0; i < _places.Slots.Length; i++)
            {
                var slot = _places.Slots[i];
                if (!slot.IsFree)
                    yield return slot;
            }
        }

        IEnumerable<BlockSlot> Cached()
        {
            for (var i = 0; i < _cache?.Slots.Length; i++)
            {
                var slot = _cache.Slots[i];
                if (!slot.IsFree)
                    yield return slot;
            }
        }
    }

    private void Condemn(HashSet<string> names)
    {
        lock (_lock)
        {
            _condemnedNames = names;
            _condemned.Clear();
            for (var pack = 0; pack < _packs.Count; pack++)
            {
                if (names.Contains(_packs[pack].Name))
                    _condemned.Add(pack);
            }
        }
    }

    /// <summary>The packs that an index object names, or null when it is gone.</summary>
    public static async Task<IReadOnlyList<PackTable>?> ReadAsync(Repository repository, string name, CancellationToken cancellationToken)
    {
        if (await repository.Store.GetAsync(name, cancellationToken).ConfigureAwait(false) is not { } stored)
            return null;
        using var reader = new BinaryReader(new MemoryStream(repository.Keys.Open("index", name, stored.Content)));
        var tables = new List<PackTable>();
        while (reader.BaseStream.Position < reader.BaseStream.Length)
            tables.Add(PackTable.Read(reader, name));
        return tables;
    }

    /// <summary>Makes packs known, here and in the repository; they must be durable already.</summary>
    public async Task PutAsync(IReadOnlyList<PackTable> tables, Action<long> shipped, CancellationToken cancellationToken)
    {
        if (tables.Count == 0)
            return;
        var name = "index/" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory);
        foreach (var table in tables)
            table.Write(writer);
        var content = _repository.Keys.Seal("index", name, memory.GetBuffer().AsSpan(0, (int)memory.Length));
        shipped(content.Length);
        await _repository.Store.PutAsync(name, content, PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false);
        await _refreshing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_loaded.Add(name))
                Add(tables);
            Spill();
        }
        finally
        {
            _refreshing.Release();
        }
    }

    private void Add(IReadOnlyList<PackTable> tables)
    {
        lock (_lock)
        {
            foreach (var table in tables)
            {
                _packs.Add(table.WithoutBlocks());
                if (_condemnedNames.Contains(table.Name))
                    _condemned.Add(_packs.Count - 1);
                for (var s = 0; s < table.Segments.Count; s++)
                {
                    var segment = table.Segments[s];
                    var offset = 0;
                    for (var b = 0; b < segment.Ids.Length; b++)
                    {
                        if (segment.Ids[b] != default && (Place(segment.Ids[b]) is not { } known || _condemned.Contains(known.Pack)))
                            _places.Set(segment.Ids[b], new BlockPlace(_packs.Count - 1, s, offset, segment.Lengths[b]));
                        offset += segment.Lengths[b];
                    }
                }
            }
        }
    }
}
