using System.Runtime.InteropServices;

namespace StatefulRelocate.Snapshots.Memory;

/// <summary>Memory that begins with a page and stays where it is: a store on a disk can hand it to the device as it is.</summary>
internal static class AlignedMemory
{
    private const int PageLength = 4096;

    /// <summary>Memory of that many bytes, whatever is in them.</summary>
    public static Memory<byte> Allocate(int length)
    {
        var array = GC.AllocateUninitializedArray<byte>(length + PageLength, pinned: true);
        var past = (int)(Marshal.UnsafeAddrOfPinnedArrayElement(array, 0) % PageLength);
        return array.AsMemory((PageLength - past) % PageLength, length);
    }
}
