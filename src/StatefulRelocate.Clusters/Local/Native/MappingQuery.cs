using System.Runtime.InteropServices;
using System.Text;

namespace StatefulRelocate.Clusters.Local.Native;

/// <summary>
/// Asks the kernel for the shared, writable file mappings of a process alone: <c>PROCMAP_QUERY</c>, Linux 6.11. The text of
/// <c>/proc/PID/maps</c> costs milliseconds for each process with thousands of mappings, and a proof of silence is part of the blackout.
/// </summary>
internal static unsafe partial class MappingQuery
{
    private const uint Request = 0xC0686611;
    private const ulong Writable = 0x02;
    private const ulong Shared = 0x08;
    private const ulong CoveringOrNext = 0x10;
    private const ulong FileBacked = 0x20;
    private const int NoEntry = 2;
    private const int NoProcess = 3;

    /// <summary>The files, or null when this kernel cannot be asked.</summary>
    public static List<string>? TryFind(int process)
    {
        var files = new List<string>();
        var maps = Libc.open($"/proc/{process}/maps", Libc.OReadOnly | Libc.OCloseOnExec, 0);
        if (maps < 0)
            return files;
        try
        {
            var name = stackalloc byte[4096];
            for (ulong from = 0; ;)
            {
                var query = new Query { Size = (ulong)sizeof(Query), Flags = Writable | Shared | CoveringOrNext | FileBacked, Address = from, NameSize = 4096, NameAddress = (ulong)name };
                if (ioctl(maps, Request, &query) != 0)
                    return Marshal.GetLastPInvokeError() is NoEntry or NoProcess ? files : null;
                files.Add(Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name)));
                from = query.End;
            }
        }
        finally
        {
            _ = Libc.close(maps);
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int descriptor, nuint request, Query* query);

    /// <summary>struct procmap_query of linux/fs.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Query
    {
        public ulong Size;
        public ulong Flags;
        public ulong Address;
        public ulong Start;
        public ulong End;
        public ulong VmaFlags;
        public ulong PageSize;
        public ulong Offset;
        public ulong Inode;
        public uint Major;
        public uint Minor;
        public uint NameSize;
        public uint BuildIdSize;
        public ulong NameAddress;
        public ulong BuildIdAddress;
    }
}
