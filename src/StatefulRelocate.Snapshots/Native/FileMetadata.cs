using System.Collections.Immutable;
using System.Text;
using StatefulRelocate.Snapshots.Maps;

namespace StatefulRelocate.Snapshots.Native;

/// <summary>Reads and sets extended attributes (POSIX ACLs are two of them), owners, modes and times.</summary>
internal static unsafe class FileMetadata
{
    /// <summary>The attributes that belong to the data: the user's, ACLs, and file capabilities; labels of this machine's security policy stay behind.</summary>
    public static ImmutableArray<ExtendedAttribute> ReadAttributes(byte[] path)
    {
        fixed (byte* file = path)
        {
            var length = Posix.ListAttributes(file, null, 0);
            if (length <= 0)
                return [];
            var list = new byte[length + 1024];
            fixed (byte* into = list)
                length = Posix.ListAttributes(file, into, (nuint)list.Length);
            if (length <= 0)
                return [];
            var found = ImmutableArray.CreateBuilder<ExtendedAttribute>();
            foreach (var name in Encoding.Latin1.GetString(list, 0, (int)length).Split('\0', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal))
            {
                if (Travels(name) && ReadAttribute(file, name) is { } value)
                    found.Add(new ExtendedAttribute(name, value));
            }

            return found.ToImmutable();
        }
    }

    /// <summary>The same of a file or directory that is open for reading.</summary>
    public static ImmutableArray<ExtendedAttribute> ReadAttributes(OpenFile file)
    {
        var length = Posix.ListAttributes(file.Descriptor, null, 0);
        if (length <= 0)
            return [];
        var list = new byte[length + 1024];
        fixed (byte* into = list)
            length = Posix.ListAttributes(file.Descriptor, into, (nuint)list.Length);
        if (length <= 0)
            return [];
        var found = ImmutableArray.CreateBuilder<ExtendedAttribute>();
        foreach (var name in Encoding.Latin1.GetString(list, 0, (int)length).Split('\0', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal))
        {
            if (Travels(name) && ReadAttribute(file, name) is { } value)
                found.Add(new ExtendedAttribute(name, value));
        }

        return found.ToImmutable();
    }

    public static bool Travels(string name) => name.StartsWith("user.", StringComparison.Ordinal)
        || name is "system.posix_acl_access" or "system.posix_acl_default" or "security.capability";

    public static int SetAttribute(byte[] path, ExtendedAttribute attribute)
    {
        fixed (byte* file = path, name = OpenDirectory.Terminated(attribute.Name), value = attribute.Value.Length == 0 ? [0] : attribute.Value)
            return Posix.SetAttribute(file, name, value, (nuint)attribute.Value.Length, 0) == 0 ? 0 : Posix.LastError;
    }

    public static int RemoveAttribute(byte[] path, string attribute)
    {
        fixed (byte* file = path, name = OpenDirectory.Terminated(attribute))
            return Posix.RemoveAttribute(file, name) == 0 ? 0 : Posix.LastError;
    }

    public static int SetMode(byte[] path, uint mode)
    {
        fixed (byte* file = path)
            return Posix.ChangeMode(file, mode) == 0 ? 0 : Posix.LastError;
    }

    public static int SetOwner(OpenDirectory directory, string name, uint user, uint group)
    {
        fixed (byte* file = OpenDirectory.Terminated(name))
            return Posix.ChangeOwnerAt(directory.Handle.Descriptor, file, user, group, Posix.AtNoFollow) == 0 ? 0 : Posix.LastError;
    }

    public static int SetModified(OpenDirectory directory, string name, long seconds, uint nanoseconds)
    {
        const long leaveAlone = 0x3FFFFFFE;
        var times = stackalloc long[] { 0, leaveAlone, seconds, nanoseconds };
        fixed (byte* file = OpenDirectory.Terminated(name))
            return Posix.SetTimesAt(directory.Handle.Descriptor, file, times, Posix.AtNoFollow) == 0 ? 0 : Posix.LastError;
    }

    private static byte[]? ReadAttribute(OpenFile file, string name)
    {
        var value = new byte[65536];
        fixed (byte* attribute = OpenDirectory.Terminated(name), into = value)
        {
            var length = Posix.GetAttribute(file.Descriptor, attribute, into, (nuint)value.Length);
            return length < 0 ? null : value[..(int)length];
        }
    }

    private static byte[]? ReadAttribute(byte* file, string name)
    {
        fixed (byte* attribute = OpenDirectory.Terminated(name))
        {
            var value = new byte[65536];
            fixed (byte* into = value)
            {
                var length = Posix.GetAttribute(file, attribute, into, (nuint)value.Length);
                return length < 0 ? null : value[..(int)length];
            }
        }
    }
}
