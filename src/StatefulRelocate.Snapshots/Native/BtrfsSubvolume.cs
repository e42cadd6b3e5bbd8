using System.Buffers.Binary;
using System.Text;

namespace StatefulRelocate.Snapshots.Native;

/// <summary>What btrfs does with subvolumes. The arguments of its requests are all 4 KiB long.</summary>
internal static unsafe class BtrfsSubvolume
{
    /// <summary>The inode number of a subvolume's root, and of what stands in a snapshot where another subvolume was.</summary>
    public const ulong RootInode = 256;
    private const nuint CreateSnapshot = 0x50009417, DestroySnapshot = 0x5000940F, ListChildren = 0xD000943D, FindPath = 0xD0009412;
    private const int Arguments = 4096, NameAt = 56, DestroyNameAt = 8, PathAt = 16, CountAt = 8 + 255 * 16;
    private const ulong ReadOnlySnapshot = 2;

    /// <summary>Makes a read-only snapshot of a whole subvolume.</summary>
    /// <returns>0, or the error.</returns>
    public static int Snapshot(OpenDirectory subvolume, OpenDirectory into, string name)
    {
        var arguments = new byte[Arguments];
        BinaryPrimitives.WriteInt64LittleEndian(arguments, subvolume.Handle.Descriptor);
        BinaryPrimitives.WriteUInt64LittleEndian(arguments.AsSpan(16), ReadOnlySnapshot);
        Encoding.Latin1.GetBytes(name, arguments.AsSpan(NameAt));
        return Call(into, CreateSnapshot, arguments);
    }

    /// <summary>Removes a subvolume with all that is in it.</summary>
    /// <returns>0, or the error.</returns>
    public static int Destroy(OpenDirectory directory, string name)
    {
        var arguments = new byte[Arguments];
        Encoding.Latin1.GetBytes(name, arguments.AsSpan(DestroyNameAt));
        return Call(directory, DestroySnapshot, arguments);
    }

    /// <summary>The paths of the directories, relative to the subvolume's root, that hold other subvolumes; null when they cannot be told.</summary>
    public static List<string>? ParentsOfNested(OpenDirectory subvolume)
    {
        var arguments = new byte[Arguments];
        if (Call(subvolume, ListChildren, arguments) != 0)
            return null;
        var parents = new List<string>();
        for (var i = 0; i < arguments[CountAt]; i++)
        {
            var query = new byte[Arguments];
            BinaryPrimitives.WriteUInt64LittleEndian(query.AsSpan(8), BinaryPrimitives.ReadUInt64LittleEndian(arguments.AsSpan(8 + i * 16 + 8)));
            if (Call(subvolume, FindPath, query) != 0)
                return null;
            var path = query.AsSpan(PathAt);
            parents.Add(Encoding.Latin1.GetString(path[..path.IndexOf((byte)0)]).TrimEnd('/'));
        }

        return parents;
    }

    private static int Call(OpenDirectory directory, nuint request, byte[] arguments)
    {
        fixed (byte* start = arguments)
            return Ioctl.Call(directory.Handle, request, start);
    }
}
