using System.Runtime.InteropServices;

namespace StatefulRelocate.Snapshots.Index;

/// <summary>One slot of a table of blocks, 28 bytes, the same in memory and in the cache file. Free where the id is 0: zeros are stored nowhere.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct BlockSlot
{
    public const int Size = 28;
    private const int LengthBits = 14, OffsetBits = 23;
    private ulong _low, _high, _place;
    private int _pack;

    public BlockSlot(UInt128 id, BlockPlace place)
    {
        (_low, _high, _pack) = ((ulong)id, (ulong)(id >> 64), place.Pack);
        _place = ((ulong)place.Segment << (LengthBits + OffsetBits)) | ((ulong)place.Offset << LengthBits) | (uint)place.Length;
    }

    public readonly bool IsFree => (_low | _high) == 0;

    public readonly UInt128 Id => new(_high, _low);

    public readonly BlockPlace Place => new(
        _pack, (int)(_place >> (LengthBits + OffsetBits)), (int)(_place >> LengthBits) & ((1 << OffsetBits) - 1), (int)_place & ((1 << LengthBits) - 1));

    public readonly bool Is(UInt128 id) => _low == (ulong)id && _high == (ulong)(id >> 64);

    /// <summary>The slot of an id, or the free one where it belongs. Ids are hashes already; there is always a free slot.</summary>
    /// <param name="slots">A power of two of them.</param>
    /// <param name="id">Not 0.</param>
    public static ref BlockSlot Find(Span<BlockSlot> slots, UInt128 id)
    {
        var mask = slots.Length - 1;
        var at = (int)(ulong)id & mask;
        while (!slots[at].IsFree && !slots[at].Is(id))
            at = (at + 1) & mask;
        return ref slots[at];
    }

    /// <summary>Slots for so many blocks: three quarters full at most.</summary>
    public static int CapacityFor(long blocks) => checked((int)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)Math.Max(1024, blocks + blocks / 3 + 1)));
}
