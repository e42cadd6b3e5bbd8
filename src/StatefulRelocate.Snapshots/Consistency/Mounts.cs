namespace StatefulRelocate.Snapshots.Consistency;

/// <summary>The mounts of this process.</summary>
internal static class Mounts
{
    /// <summary>Whether something is mounted below a directory: a snapshot of its file system does not show that.</summary>
    public static bool AnyBelow(string directory)
    {
        var prefix = directory.TrimEnd('/') + "/";
        foreach (var line in File.ReadLines("/proc/self/mountinfo"))
        {
            // Blanks in names are written as octal numbers.
            var path = line.Split(' ')[4].Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal)
                .Replace("\\012", "\n", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);
            if (path.StartsWith(prefix, StringComparison.Ordinal))
                return true;
        }

        return false;
    }
}
