using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Index;

/// <summary>Where a block stands.</summary>
internal readonly record struct BlockPlace(int Pack, int Segment, int Offset, int Length);

/// <summary>
/// Which block is where, from the objects below <c>index/</c>. Loaded as far as it exists at each refresh, kept in memory: 48 bytes a
/// block, so 6 MiB for each GiB stored.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Reliability", "CA1001", Justification = "A semaphore whose wait handle is never asked for holds nothing to dispose of.")]
internal sealed class BlockIndex
{
    private readonly Repository _repository;
    private readonly SemaphoreSlim _refreshing = new(1, 1);
    private readonly HashSet<string> _loaded = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, BlockPlace> _places = [];
    private readonly List<PackTable> _packs = [];
    private readonly HashSet<int> _condemned = [];
    private HashSet<string> _condemnedNames = [];

    public BlockIndex(Repository repository) => _repository = repository;

    /// <summary>Whether a writer may rely on the block: it stands in a pack that no prune has condemned.</summary>
    public bool Contains(UInt128 id)
    {
        lock (_lock)
            return _places.TryGetValue(id, out var place) && !_condemned.Contains(place.Pack);
    }

    public BlockPlace? Find(UInt128 id)
    {
        lock (_lock)
            return _places.TryGetValue(id, out var place) ? place : null;
    }

    public PackTable Pack(int number)
    {
        lock (_lock)
            return _packs[number];
    }

    public IReadOnlyList<PackTable> Packs()
    {
        lock (_lock)
            return [.. _packs];
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

        // After a prune all is read again before anything is forgotten: others are looking for blocks meanwhile.
        var again = !_loaded.IsSubsetOf(listed);
        var fresh = new List<(string Name, IReadOnlyList<PackTable> Tables)>();
        foreach (var name in listed.Where(n => again || !_loaded.Contains(n)).Order(StringComparer.Ordinal))
        {
            if (await ReadAsync(_repository, name, cancellationToken).ConfigureAwait(false) is not { } tables)
                return false;
            fresh.Add((name, tables));
        }

        lock (_lock)
        {
            // Numbers of packs stay valid for those who hold some.
            if (again)
            {
                _places.Clear();
                _loaded.Clear();
            }

            foreach (var (name, tables) in fresh)
            {
                Add(tables);
                _loaded.Add(name);
            }
        }

        return true;
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
                _packs.Add(table);
                if (_condemnedNames.Contains(table.Name))
                    _condemned.Add(_packs.Count - 1);
                for (var s = 0; s < table.Segments.Count; s++)
                {
                    var segment = table.Segments[s];
                    var offset = 0;
                    for (var b = 0; b < segment.Ids.Length; b++)
                    {
                        if (!_places.TryGetValue(segment.Ids[b], out var known) || _condemned.Contains(known.Pack))
                            _places[segment.Ids[b]] = new BlockPlace(_packs.Count - 1, s, offset, segment.Lengths[b]);
                        offset += segment.Lengths[b];
                    }
                }
            }
        }
    }
}
