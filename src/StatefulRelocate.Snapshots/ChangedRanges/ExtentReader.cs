using System.IO.Hashing;
using System.Runtime.InteropServices;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>The extents of one file in order, some hundred at a time: the memory does not grow with fragmentation.</summary>
internal sealed class ExtentReader(OpenFile file)
{
    private readonly RawExtent[] _extents = new RawExtent[512];
    private readonly XxHash128 _hash = new();
    private int _count;
    private int _at = -1;
    private bool _end;

    public RawExtent Current => _extents[_at];

    public bool Next()
    {
        if (++_at < _count)
            return true;
        if (_end)
            return false;
        var from = _count == 0 ? 0 : checked(_extents[_count - 1].Logical + _extents[_count - 1].Length);
        _count = Ioctl.ReadExtents(file, from, _extents);
        _end = _count == 0 || (_extents[_count - 1].Flags & RawExtent.Last) != 0;
        _at = 0;
        _hash.Append(MemoryMarshal.AsBytes(_extents.AsSpan(0, _count)));
        return _count > 0;
    }

    /// <summary>A hash over all extents, read to the end.</summary>
    public UInt128 HashAll()
    {
        while (Next())
        {
        }

        return _hash.GetCurrentHashAsUInt128();
    }
}
