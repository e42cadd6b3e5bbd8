using System.Text;
using StatefulRelocate.Clusters.Local.Native;
using StatefulRelocate.Clusters.Local.Processes;

namespace StatefulRelocate.Clusters.Local.Proofs;

/// <summary>Looks for processes that can write to files below given directories: open for writing, or mapped shared and writable.</summary>
internal static class VolumeWriters
{
    /// <summary>One line for each writer that is not among <paramref name="except"/>. Processes of other users are seen by root only.</summary>
    public static IReadOnlyList<string> Find(IReadOnlyList<string> directories, ProcessTable table, IReadOnlySet<int> except)
    {
        var prefixes = Prefixes(directories);
        var bytes = prefixes.Select(Encoding.UTF8.GetBytes).ToList();
        var found = new List<string>();
        if (prefixes.Count == 0)
            return found;
        var buffer = new byte[1 << 20];
        foreach (var process in table.Entries)
        {
            if (process.IsGone || except.Contains(process.Id.Number))
                continue;
            var file = OpenForWriting(process.Id.Number, bytes, buffer) ?? Mapped(process.Id.Number, prefixes, buffer).FirstOrDefault();
            if (file is not null)
                found.Add($"process {process.Id.Number} ({process.Name}) has {file} open for writing");
        }

        return found;
    }

    /// <summary>The files that a process maps shared and writable.</summary>
    public static IEnumerable<string> Mapped(int process, IReadOnlyList<string> prefixes, byte[] buffer)
        => MappingQuery.TryFind(process) is { } asked
            ? asked.Where(file => IsBelow(file, prefixes)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            : MappedByText(process, prefixes, buffer);

    /// <summary>The same from the text of <c>maps</c>, for kernels that cannot be asked.</summary>
    public static IEnumerable<string> MappedByText(int process, IReadOnlyList<string> prefixes, byte[] buffer)
    {
        // Read whole: a mapping survives the descriptor it was made from. Most processes have no shared writable one, so lines are decoded late.
        var count = Libc.ReadFile($"/proc/{process}/maps", buffer);
        if (count <= 0 || !HasSharedWritable(buffer.AsSpan(0, count)))
            return [];
        var text = count == buffer.Length ? File.ReadAllText($"/proc/{process}/maps") : Encoding.UTF8.GetString(buffer, 0, count);
        var files = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n'))
        {
            // address perms offset device inode path: proc_pid_maps(5)
            var permissions = line.IndexOf(' ', StringComparison.Ordinal) + 1;
            var slash = line.IndexOf('/', StringComparison.Ordinal);
            if (permissions > 0 && slash > 0 && line.Length > permissions + 3 && line[permissions + 1] == 'w' && line[permissions + 3] == 's' && IsBelow(line[slash..], prefixes))
                files.Add(line[slash..]);
        }

        return files;
    }

    /// <summary>The directories as the kernel names them, with a slash at the end.</summary>
    public static IReadOnlyList<string> Prefixes(IEnumerable<string> directories)
    {
        var prefixes = new List<string>();
        foreach (var directory in directories)
        {
            var descriptor = Libc.open(directory, Libc.OPath | Libc.ODirectory | Libc.OCloseOnExec, 0);
            if (descriptor < 0)
                continue;
            if (Libc.ReadLink($"/proc/self/fd/{descriptor}") is { } real)
                prefixes.Add(real.TrimEnd('/') + "/");
            _ = Libc.close(descriptor);
        }

        return prefixes;
    }

    private static bool HasSharedWritable(ReadOnlySpan<byte> maps) => maps.IndexOf(" rw-s "u8) >= 0 || maps.IndexOf(" -w-s "u8) >= 0 || maps.IndexOf(" rwxs "u8) >= 0;

    private static bool IsBelow(string path, IReadOnlyList<string> prefixes)
    {
        foreach (var prefix in prefixes)
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal))
                return true;
        }

        return false;
    }

    private static string? OpenForWriting(int process, List<byte[]> prefixes, byte[] buffer)
    {
        try
        {
            // All entries, not files only: telling files apart would follow every link.
            foreach (var link in Directory.EnumerateFileSystemEntries($"/proc/{process}/fd").Concat(OfThreads(process)))
            {
                // Compared as bytes: there are thousands of descriptors, and hardly one is of a volume.
                var count = Libc.ReadLink(link, buffer.AsSpan(0, 4096));
                foreach (var prefix in prefixes)
                {
                    if (count > 0 && buffer.AsSpan(0, count).StartsWith(prefix) && IsWritable(process, link[(link.LastIndexOf('/') + 1)..]))
                        return Encoding.UTF8.GetString(buffer, 0, count);
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It ended, or it is none of those that we can see.
        }

        return null;
    }

    // A main thread that has ended shows no descriptors, although the other threads still have them.
    private static IEnumerable<string> OfThreads(int process) => ProcessTable.Find(process) is { State: 'Z' }
        ? Directory.EnumerateDirectories($"/proc/{process}/task").SelectMany(task => Directory.EnumerateFileSystemEntries(task + "/fd"))
        : [];

    private static bool IsWritable(int process, string descriptor)
    {
        Span<byte> buffer = stackalloc byte[512];
        var count = Libc.ReadFile($"/proc/{process}/fdinfo/{descriptor}", buffer);
        if (count <= 0)
            return ProcessTable.Find(process) is { State: 'Z', Threads: > 1 };
        var text = Encoding.ASCII.GetString(buffer[..count]);
        var at = text.IndexOf("flags:", StringComparison.Ordinal);
        if (at < 0)
            return false;
        var end = text.IndexOf('\n', at);
        var octal = text[(at + 6)..(end < 0 ? text.Length : end)].Trim();
        var flags = Convert.ToInt64(octal, 8);

        // O_PATH carries no right to write, whatever the access mode says.
        return (flags & 3) is Libc.OWriteOnly or Libc.OReadWrite && (flags & Libc.OPath) == 0;
    }
}
