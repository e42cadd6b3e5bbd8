using System.Globalization;
using StatefulRelocate.ObjectStores.Native;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores;

/// <summary>
/// The files of objects that take conditions on their version: <c>NAME@NUMBER</c>, each created exclusively by link(2); the highest number
/// is current, and an empty file is the mark of a deleted object. Old versions stay: a writer that was asleep for any time must find
/// the name it wants to create taken.
/// </summary>
internal static class VersionedFiles
{
    public const string Prefix = "leases/";

    public static bool Holds(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>The current version's file and tag, or null when there never was one. The file may be the mark of a deleted object.</summary>
    public static (string Path, string Version)? Current(string path)
    {
        var highest = Highest(path);
        return highest == 0 ? null : (PathOf(path, highest), highest.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Makes a complete file the next version.</summary>
    /// <returns>The new version's tag, or null when the condition did not hold.</returns>
    public static string? Put(string path, string complete, PutCondition condition)
    {
        while (true)
        {
            var highest = Highest(path);
            var exists = highest > 0 && new FileInfo(PathOf(path, highest)).Length > 0;
            if (condition.MustBeAbsent && exists)
                return null;
            if (condition.MatchVersion is { } expected && (!exists || expected != highest.ToString(CultureInfo.InvariantCulture)))
                return null;
            if (Posix.TryLink(complete, PathOf(path, highest + 1)))
            {
                Posix.SyncDirectory(Path.GetDirectoryName(path)!);
                return (highest + 1).ToString(CultureInfo.InvariantCulture);
            }

            if (condition.MatchVersion is not null)
                return null;
        }
    }

    /// <summary>A file's object and number; the number is 0 when the file is none of these.</summary>
    public static (string Name, long Version) Split(string file)
    {
        var at = file.LastIndexOf('@');
        return at > 0 && long.TryParse(file.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? (file[..at], number) : ("", 0);
    }

    private static long Highest(string path)
    {
        var directory = Path.GetDirectoryName(path)!;
        return Directory.Exists(directory) ? Directory.EnumerateFiles(directory, Path.GetFileName(path) + "@*").Select(file => Split(file).Version).DefaultIfEmpty().Max() : 0;
    }

    private static string PathOf(string path, long version) => string.Create(CultureInfo.InvariantCulture, $"{path}@{version:d12}");
}
