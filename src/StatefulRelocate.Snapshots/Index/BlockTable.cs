namespace StatefulRelocate.Snapshots.Index;

/// <summary>Where blocks stand, in memory: 28 bytes a slot.</summary>
internal sealed class BlockTable
{
    private BlockSlot[] _slots = new BlockSlot[BlockSlot.CapacityFor(0)];

    public int Count { get; private set; }

    public ReadOnlySpan<BlockSlot> Slots => _slots;

    public BlockPlace? Find(UInt128 id) => BlockSlot.Find(_slots, id) is { IsFree: false } slot ? slot.Place : null;

    public void Set(UInt128 id, BlockPlace place)
    {
        ref var slot = ref BlockSlot.Find(_slots, id);
        if (slot.IsFree)
        {
            if (BlockSlot.CapacityFor(Count + 1L) > _slots.Length)
            {
                Grow();
                slot = ref BlockSlot.Find(_slots, id);
            }

            Count++;
        }

        slot = new BlockSlot(id, place);
    }

    private void Grow()
    {
        var larger = new BlockSlot[_slots.Length * 2];
        foreach (var slot in _slots)
        {
            if (!slot.IsFree)
                BlockSlot.Find(larger, slot.Id) = slot;
        }

        _slots = larger;
    }
}
