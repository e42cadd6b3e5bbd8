using System.Runtime.InteropServices;

namespace StatefulRelocate.Snapshots.Native;

/// <summary>Requests to XFS and btrfs that have no system call of their own. The numbers are those of x86-64, ARM64 and RISC-V.</summary>
internal static unsafe partial class Ioctl
{
    private const nuint CloneFile = 0x40049409, MapExtents = 0xC020660B, GetFlags = 0x80086601, SetFlags = 0x40086602, GetExtendedFlags = 0x801C581F;
    private const uint NoCopyOnWrite = 0x00800000, RealTime = 1;
    private const long Xfs = 0x58465342, Btrfs = 0x9123683E;

    /// <summary>Makes <paramref name="target"/>, an empty file, share all of the source's content at one instant: what is dirty in memory is written first.</summary>
    /// <returns>0, or the error.</returns>
    public static int Clone(OpenFile source, OpenFile target)
    {
        var result = Control(target.Descriptor, CloneFile, (void*)(nint)source.Descriptor) == 0 ? 0 : Posix.LastError;
        GC.KeepAlive(source);
        GC.KeepAlive(target);
        return result;
    }

    /// <summary>On btrfs a file that is never copied on write (<c>chattr +C</c>) can only be cloned into another such file.</summary>
    public static void CopyCloneFlags(OpenFile source, OpenFile target)
    {
        long flags = 0, own = 0;
        if (Control(source.Descriptor, GetFlags, &flags) != 0 || (flags & NoCopyOnWrite) == 0 || Control(target.Descriptor, GetFlags, &own) != 0)
            return;
        own |= NoCopyOnWrite;
        _ = Control(target.Descriptor, SetFlags, &own);
    }

    /// <summary>Fills the list with the file's extents from <paramref name="offset"/> on, after writing what is dirty.</summary>
    /// <returns>How many; 0 when there are no more.</returns>
    public static int ReadExtents(OpenFile file, ulong offset, Span<RawExtent> extents)
    {
        const uint writeDirtyFirst = 1;
        var buffer = new byte[sizeof(ExtentQuery) + extents.Length * sizeof(RawExtent)];
        fixed (byte* start = buffer)
        {
            var query = (ExtentQuery*)start;
            query->Start = offset;
            query->Length = ulong.MaxValue - offset;
            query->Flags = writeDirtyFirst;
            query->Room = (uint)extents.Length;
            if (Control(file.Descriptor, MapExtents, start) != 0)
                throw SystemCallException.Last("read the extents", file.Shown);
            var count = (int)Math.Min(query->Mapped, (uint)extents.Length);
            new ReadOnlySpan<RawExtent>(start + sizeof(ExtentQuery), count).CopyTo(extents);
            return count;
        }
    }

    /// <summary>Whether the file system is one whose extents are known to be shared and never written in place while they are: XFS or btrfs.</summary>
    public static bool SharesExtents(OpenFile file) => FileSystemType(file) is Xfs or Btrfs;

    /// <summary>Whether the file's data lies in the real-time section of an XFS, whose addresses mean something else.</summary>
    public static bool IsRealTime(OpenFile file)
    {
        var attributes = stackalloc uint[7];
        return Control(file.Descriptor, GetExtendedFlags, attributes) == 0 && (attributes[0] & RealTime) != 0;
    }

    /// <summary>Bytes of the file system, and those that are free for this process.</summary>
    public static (long Size, long Free) Space(OpenFile file)
    {
        var buffer = stackalloc long[64];
        return FileSystemFacts(file.Descriptor, buffer) == 0 ? (buffer[1] * buffer[2], buffer[1] * buffer[4]) : (0, 0);
    }

    public static bool IsBtrfs(OpenFile file) => FileSystemType(file) == Btrfs;

    public static int Call(OpenFile file, nuint request, void* argument)
    {
        var result = Control(file.Descriptor, request, argument) == 0 ? 0 : Posix.LastError;
        GC.KeepAlive(file);
        return result;
    }

    private static long FileSystemType(OpenFile file)
    {
        // struct statfs begins with the type and is shorter than this.
        var buffer = stackalloc long[64];
        return FileSystemFacts(file.Descriptor, buffer) == 0 ? buffer[0] : 0;
    }

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(int descriptor, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "fstatfs", SetLastError = true)]
    private static partial int FileSystemFacts(int descriptor, void* result);

    /// <summary>struct fiemap.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ExtentQuery
    {
        public ulong Start;
        public ulong Length;
        public uint Flags;
        public uint Mapped;
        public uint Room;
        public uint Reserved;
    }
}

/// <summary>struct fiemap_extent.</summary>
[StructLayout(LayoutKind.Explicit, Size = 56)]
internal struct RawExtent
{
    public const uint Last = 0x1, Merged = 0x1000, Shared = 0x2000;

    [FieldOffset(0)] public ulong Logical;
    [FieldOffset(8)] public ulong Physical;
    [FieldOffset(16)] public ulong Length;
    [FieldOffset(40)] public uint Flags;

    /// <summary>Whether the address says all about the content. Not where it is unknown, delayed, encoded, inline, or allocated but not written.</summary>
    public readonly bool IsPlain => (Flags & ~(Last | Merged | Shared)) == 0 && Physical != 0;
}
