using System.Collections;
using StatefulRelocate.Snapshots.Packs;

namespace StatefulRelocate.Snapshots.Retention;

/// <summary>Which packs hold which blocks, every copy of a block counted: 20 bytes a block.</summary>
internal sealed class PackPlaces
{
    private readonly UInt128[] _ids;
    private readonly int[] _packs;
    private readonly string[] _names;

    public PackPlaces(IReadOnlyCollection<PackTable> tables)
    {
        var distinct = tables.DistinctBy(t => t.Name, StringComparer.Ordinal).ToArray();
        _names = [.. distinct.Select(t => t.Name)];
        var count = distinct.Sum(t => t.Segments.Sum(s => s.Ids.Length));
        (_ids, _packs) = (new UInt128[count], new int[count]);
        var at = 0;
        for (var pack = 0; pack < distinct.Length; pack++)
        {
            foreach (var segment in distinct[pack].Segments)
            {
                segment.Ids.CopyTo(_ids, at);
                _packs.AsSpan(at, segment.Ids.Length).Fill(pack);
                at += segment.Ids.Length;
            }
        }

        Array.Sort(_ids, _packs);
    }

    public BitArray NoneUsed() => new(_names.Length);

    /// <summary>Marks every pack that has the block; false when none has.</summary>
    public bool Use(UInt128 id, BitArray used)
    {
        var at = Array.BinarySearch(_ids, id);
        if (at < 0)
            return false;
        used[_packs[at]] = true;
        for (var i = at - 1; i >= 0 && _ids[i] == id; i--)
            used[_packs[i]] = true;
        for (var i = at + 1; i < _ids.Length && _ids[i] == id; i++)
            used[_packs[i]] = true;
        return true;
    }

    public IEnumerable<string> Names(BitArray used)
    {
        for (var pack = 0; pack < _names.Length; pack++)
        {
            if (used[pack])
                yield return _names[pack];
        }
    }
}
