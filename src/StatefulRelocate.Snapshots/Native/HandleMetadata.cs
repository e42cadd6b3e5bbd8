using System.Collections.Immutable;
using System.Text;
using StatefulRelocate.Snapshots.Maps;

namespace StatefulRelocate.Snapshots.Native;

/// <summary>
/// Owner, mode, time and extended attributes of what a descriptor is open on: whatever is swapped in under its name meanwhile is not
/// touched. Each answers 0 or the error.
/// </summary>
internal static unsafe class HandleMetadata
{
    public static int SetMode(OpenFile file, uint mode) => Answer(Posix.ChangeModeOf(file.Descriptor, mode));

    public static int SetOwner(OpenFile file, uint user, uint group) => Answer(Posix.ChangeOwnerOf(file.Descriptor, user, group));

    public static int SetModified(OpenFile file, long seconds, uint nanoseconds)
    {
        const long leaveAlone = 0x3FFFFFFE;
        var times = stackalloc long[] { 0, leaveAlone, seconds, nanoseconds };
        return Answer(Posix.SetTimesOf(file.Descriptor, times));
    }

    /// <summary>Those that belong to the data; see <see cref="FileMetadata.Travels"/>.</summary>
    public static ImmutableArray<ExtendedAttribute> ReadAttributes(OpenFile file)
    {
        // Nearly always there are none, or few: a second call with a larger buffer is rare.
        Span<byte> small = stackalloc byte[1024];
        var list = small;
        nint length;
        fixed (byte* into = list)
            length = Posix.ListAttributesOf(file.Descriptor, into, (nuint)list.Length);
        if (length < 0 && Posix.LastError == 34)
        {
            list = new byte[65536];
            fixed (byte* into = list)
                length = Posix.ListAttributesOf(file.Descriptor, into, (nuint)list.Length);
        }

        if (length <= 0)
            return [];
        var found = ImmutableArray.CreateBuilder<ExtendedAttribute>();
        foreach (var name in Encoding.Latin1.GetString(list[..(int)length]).Split('\0', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal))
        {
            if (FileMetadata.Travels(name) && ReadAttribute(file, name) is { } value)
                found.Add(new ExtendedAttribute(name, value));
        }

        return found.ToImmutable();
    }

    public static int SetAttribute(OpenFile file, ExtendedAttribute attribute)
    {
        fixed (byte* name = OpenDirectory.Terminated(attribute.Name), value = attribute.Value.Length == 0 ? [0] : attribute.Value)
            return Answer(Posix.SetAttributeOf(file.Descriptor, name, value, (nuint)attribute.Value.Length, 0));
    }

    public static int RemoveAttribute(OpenFile file, string attribute)
    {
        fixed (byte* name = OpenDirectory.Terminated(attribute))
            return Answer(Posix.RemoveAttributeOf(file.Descriptor, name));
    }

    /// <summary>What asking for an attribute answers: 0 when it is there, <see cref="Posix.NoData"/> when it is not, else why it cannot be.</summary>
    public static int Probe(OpenFile file, string attribute)
    {
        fixed (byte* name = OpenDirectory.Terminated(attribute))
            return Posix.GetAttributeOf(file.Descriptor, name, null, 0) >= 0 ? 0 : Posix.LastError;
    }

    private static byte[]? ReadAttribute(OpenFile file, string name)
    {
        fixed (byte* attribute = OpenDirectory.Terminated(name))
        {
            var value = new byte[65536];
            fixed (byte* into = value)
            {
                var length = Posix.GetAttributeOf(file.Descriptor, attribute, into, (nuint)value.Length);
                return length < 0 ? null : value[..(int)length];
            }
        }
    }

    private static int Answer(int result) => result == 0 ? 0 : Posix.LastError;
}
