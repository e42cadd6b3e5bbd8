using System.Collections;
using StatefulRelocate.Snapshots.Packs;

namespace StatefulRelocate.Snapshots.Retention;

/// <summary>Which packs hold which blocks, every copy of a block counted: 20 bytes a block.</summary>
internal sealed class PackPlaces
{
    private readonly UInt128[] _ids;
    private readonly int[] _packs;
    private readonly string[] _names;

    private PackPlaces(UInt128[] ids, int[] packs, string[] names) => (_ids, _packs, _names) = (ids, packs, names);

    /// <summary>The names of all packs.</summary>
    public IReadOnlyList<string> Packs => _names;

    public BitArray NoneUsed() => new(_names.Length);

    /// <summary>Marks every pack that has the block; false when none has.</summary>
    public bool Use(UInt128 id, BitArray used)
    {
        var (first, count) = Find(id);
        for (var i = first; i < first + count; i++)
            used[_packs[i]] = true;
        return count > 0;
    }

    /// <summary>How many copies of the block there are.</summary>
    public int Copies(UInt128 id) => Find(id).Count;

    public IEnumerable<string> Names(BitArray used)
    {
        for (var pack = 0; pack < _names.Length; pack++)
        {
            if (used[pack])
                yield return _names[pack];
        }
    }

    private (int First, int Count) Find(UInt128 id)
    {
        var at = Array.BinarySearch(_ids, id);
        if (at < 0)
            return (0, 0);
        var (first, last) = (at, at);
        while (first > 0 && _ids[first - 1] == id)
            first--;
        while (last + 1 < _ids.Length && _ids[last + 1] == id)
            last++;
        return (first, last - first + 1);
    }

    /// <summary>Takes tables one by one, so that they need not all be in memory.</summary>
    internal sealed class Builder
    {
        private readonly Dictionary<string, int> _known = new(StringComparer.Ordinal);
        private readonly List<string> _names = [];
        private UInt128[] _ids = new UInt128[1024];
        private int[] _packs = new int[1024];
        private int _count;

        /// <summary>False when it has the pack already.</summary>
        public bool Add(PackTable table)
        {
            if (!_known.TryAdd(table.Name, _names.Count))
                return false;
            foreach (var segment in table.Segments)
            {
                if (_count + segment.Ids.Length > _ids.Length)
                {
                    var length = Math.Max(_count + segment.Ids.Length, _ids.Length + _ids.Length / 2);
                    Array.Resize(ref _ids, length);
                    Array.Resize(ref _packs, length);
                }

                segment.Ids.CopyTo(_ids, _count);
                _packs.AsSpan(_count, segment.Ids.Length).Fill(_names.Count);
                _count += segment.Ids.Length;
            }

            _names.Add(table.Name);
            return true;
        }

        public PackPlaces Build()
        {
            Array.Resize(ref _ids, _count);
            Array.Resize(ref _packs, _count);
            Array.Sort(_ids, _packs);
            return new PackPlaces(_ids, _packs, [.. _names]);
        }
    }
}
