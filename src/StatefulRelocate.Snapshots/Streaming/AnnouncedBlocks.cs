using StatefulRelocate.Snapshots.Packs;

namespace StatefulRelocate.Snapshots.Streaming;

/// <summary>Where the blocks of the packs announced last are; older ones are forgotten, the sealed snapshot's index has them.</summary>
internal sealed class AnnouncedBlocks
{
    private const int MaxPacks = 64;
    private readonly Dictionary<UInt128, (PackTable Pack, int Segment, int Offset, int Length)> _places = [];
    private readonly Queue<PackTable> _packs = [];

    public void Add(PackTable pack)
    {
        for (var number = 0; number < pack.Segments.Count; number++)
        {
            var (segment, offset) = (pack.Segments[number], 0);
            for (var b = 0; b < segment.Ids.Length; b++)
            {
                _places[segment.Ids[b]] = (pack, number, offset, segment.Lengths[b]);
                offset += segment.Lengths[b];
            }
        }

        _packs.Enqueue(pack);
        if (_packs.Count <= MaxPacks)
            return;
        var old = _packs.Dequeue();
        foreach (var id in old.Segments.SelectMany(s => s.Ids))
        {
            if (_places.TryGetValue(id, out var place) && ReferenceEquals(place.Pack, old))
                _places.Remove(id);
        }
    }

    public (PackTable Pack, int Segment, int Offset, int Length)? Find(UInt128 id) => _places.TryGetValue(id, out var place) ? place : null;
}
