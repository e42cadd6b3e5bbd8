using System.Globalization;
using System.Text;

namespace StatefulRelocate.Clusters.Local.Freezing;

/// <summary>The app's own cgroup, below the one of its keeper.</summary>
internal sealed class AppCgroup(string path, int version)
{
    public string Path => path;

    public int Version => version;

    /// <summary>Makes it where it can be had, else null. Another try is made by each new keeper only.</summary>
    public static AppCgroup? TryCreate(string mark, FreezerKind kind)
    {
        if (kind == FreezerKind.Signals)
            return null;
        foreach (var version in kind switch { FreezerKind.CgroupV1 => [1], FreezerKind.CgroupV2 => [2], _ => new[] { 2, 1 } })
        {
            if (OwnDirectory(version) is not { } own)
                continue;
            var path = System.IO.Path.Combine(own, "relocate-" + mark);
            try
            {
                Directory.CreateDirectory(path);
                var cgroup = new AppCgroup(path, version);

                // A file that can be opened for writing is one of a cgroup that is ours.
                using (new FileStream(System.IO.Path.Combine(path, "cgroup.procs"), FileMode.Open, FileAccess.Write))
                using (new FileStream(cgroup.StateFile, FileMode.Open, FileAccess.Write))
                    return cgroup;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                TryDelete(path);
            }
        }

        return null;
    }

    public bool TryAdd(int process)
    {
        try
        {
            WriteTo(System.IO.Path.Combine(path, "cgroup.procs"), process.ToString(CultureInfo.InvariantCulture));
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public IReadOnlySet<int> Members()
    {
        try
        {
            return File.ReadLines(System.IO.Path.Combine(path, "cgroup.procs")).Select(line => int.Parse(line, CultureInfo.InvariantCulture)).ToHashSet();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new HashSet<int>();
        }
    }

    public void Freeze() => WriteTo(StateFile, version == 2 ? "1" : "FROZEN");

    public void Thaw()
    {
        try
        {
            WriteTo(StateFile, version == 2 ? "0" : "THAWED");
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            // It is removed with its last process; nothing is frozen then.
        }
    }

    public bool IsFrozen
    {
        get
        {
            try
            {
                return version == 2
                    ? File.ReadAllText(System.IO.Path.Combine(path, "cgroup.events")).Contains("frozen 1", StringComparison.Ordinal)
                    : File.ReadAllText(StateFile).StartsWith("FROZEN", StringComparison.Ordinal);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    public void TryDelete() => TryDelete(path);

    private string StateFile => System.IO.Path.Combine(path, version == 2 ? "cgroup.freeze" : "freezer.state");

    private static void TryDelete(string path)
    {
        try
        {
            // Removing the directory removes its control files; a recursive delete would fail on the first of them.
            if (Directory.Exists(path))
                Directory.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Still in use, or not ours: an empty cgroup costs nothing.
        }
    }

    private static void WriteTo(string file, string text)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        stream.Write(Encoding.ASCII.GetBytes(text));
    }

    /// <summary>The directory of this process's own cgroup in the hierarchy of a version: cgroups(7), proc_pid_mountinfo(5).</summary>
    private static string? OwnDirectory(int version)
    {
        try
        {
            var own = File.ReadLines("/proc/self/cgroup")
                .Select(line => line.Split(':', 3))
                .FirstOrDefault(parts => version == 2 ? parts[0] == "0" && parts[1].Length == 0 : parts[1].Split(',').Contains("freezer"))?[2];
            if (own is null)
                return null;
            foreach (var line in File.ReadLines("/proc/self/mountinfo"))
            {
                var separator = line.IndexOf(" - ", StringComparison.Ordinal);
                var left = line[..separator].Split(' ');
                var right = line[(separator + 3)..].Split(' ');
                if (version == 2 ? right[0] != "cgroup2" : right[0] != "cgroup" || !right[^1].Split(',').Contains("freezer"))
                    continue;
                var root = left[3] == "/" ? string.Empty : left[3];
                if (own.StartsWith(root, StringComparison.Ordinal))
                    return left[4] + own[root.Length..].TrimEnd('/');
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        return null;
    }
}
