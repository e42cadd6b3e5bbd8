using System.Collections.Immutable;
using System.Text;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Maps;

/// <summary>What an entry is. The numbers are part of the repository format.</summary>
internal enum EntryType : byte
{
    File = 1,
    Directory = 2,
    SymbolicLink = 3,
    HardLink = 4,
    Fifo = 5,
    Socket = 6,
    Device = 7,
}

/// <summary>One extended attribute.</summary>
internal sealed record ExtendedAttribute(string Name, byte[] Value);

/// <summary>One name in the tree of a snapshot. Never changed once it is built, except for what the round journal remembers beside it.</summary>
internal sealed record TreeEntry
{
    /// <summary>The volume's position in the manifest.</summary>
    public required int Volume { get; init; }

    /// <summary>Relative to the volume, <c>/</c>-separated, bytes held as Latin-1; empty for the volume's own directory.</summary>
    public required string Path { get; init; }

    public required EntryType Type { get; init; }

    public uint Mode { get; init; }

    public uint User { get; init; }

    public uint Group { get; init; }

    public long ModifiedSeconds { get; init; }

    public uint ModifiedNanoseconds { get; init; }

    /// <summary>Bytes; 0 for all but files.</summary>
    public long Size { get; init; }

    /// <summary>Of a symbolic link: its text. Of a hard link: the path of the group's first name, in the same volume.</summary>
    public string LinkTarget { get; init; } = "";

    public ImmutableArray<ExtendedAttribute> Attributes { get; init; } = [];

    /// <summary>The content ids of a file's blocks.</summary>
    public BlockMap Blocks { get; init; } = BlockMap.Empty;

    /// <summary>The hash of all of the above; see <see cref="TreeHash"/>.</summary>
    public byte[] Digest { get; init; } = [];

    // What follows stands in this machine's journal only.

    /// <summary>The source's fast fingerprints of the blocks.</summary>
    public UInt128[] Fingerprints { get; init; } = [];

    public StatIdentity Identity { get; init; }

    /// <summary>Changed so shortly before it was looked at that a later change could bear the same time stamp.</summary>
    public bool Racy { get; init; }

    /// <summary>On a target: owner or attributes could not be set, and the owner that the file got instead.</summary>
    public bool Substituted { get; init; }

    public uint ActualUser { get; init; }

    public uint ActualGroup { get; init; }

    public EntryKey Key => new(Volume, Path);
}

/// <summary>A path in a volume.</summary>
internal readonly record struct EntryKey(int Volume, string Path) : IComparable<EntryKey>
{
    public int CompareTo(EntryKey other) => Volume != other.Volume ? Volume.CompareTo(other.Volume) : PathText.Compare(Path, other.Path);
}

/// <summary>Paths as bytes in Latin-1 text.</summary>
internal static class PathText
{
    /// <summary>Depth first, names by their bytes: <c>/</c> sorts before every other byte.</summary>
    public static int Compare(string left, string right)
    {
        var length = Math.Min(left.Length, right.Length);
        for (var i = 0; i < length; i++)
        {
            if (left[i] != right[i])
                return (left[i] == '/' ? '\0' : left[i]) - (right[i] == '/' ? '\0' : right[i]);
        }

        return left.Length - right.Length;
    }

    public static string Show(string path)
    {
        var text = Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(path));
        return text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? $"\\x{(int)c:x2}" : c.ToString())) : text;
    }

    public static string Parent(string path) => path.LastIndexOf('/') is var at and >= 0 ? path[..at] : "";

    public static string Name(string path) => path.LastIndexOf('/') is var at and >= 0 ? path[(at + 1)..] : path;

    public static string Join(string directory, string name) => directory.Length == 0 ? name : $"{directory}/{name}";

    /// <summary>Whether a stored path may be used at all: relative, no empty, <c>.</c> or <c>..</c> part, no NUL.</summary>
    public static bool IsSafe(string path)
    {
        if (path.Length == 0)
            return true;
        if (path.Contains('\0', StringComparison.Ordinal) || path.Any(c => c > 0xFF))
            return false;
        foreach (var part in path.Split('/'))
        {
            if (part is "" or "." or ".." || part.Length > 255)
                return false;
        }

        return true;
    }
}
