using System.Globalization;
using System.Text;
using StatefulRelocate.Clusters.Local.Native;

namespace StatefulRelocate.Clusters.Local.Processes;

/// <summary>A process, safe against reuse of its number: the same number started at the same tick of the same boot is the same process.</summary>
internal readonly record struct ProcessId(int Number, ulong StartTime);

/// <summary>One line of <c>/proc</c>: who, whose child, in what state (the letter of proc(5)).</summary>
internal readonly record struct ProcessEntry(ProcessId Id, int Parent, char State, string Name, int Threads = 1)
{
    /// <summary>Whether nothing of it runs any more. A zombie whose other threads go on (pthread_exit in its main thread) is not gone.</summary>
    public bool IsGone => State is 'Z' or 'X' or 'x' && Threads <= 1;
}

/// <summary>One pass over <c>/proc</c>.</summary>
internal sealed class ProcessTable
{
    private static readonly string Boot = ReadBootId();
    private readonly Dictionary<int, ProcessEntry> _entries;

    private ProcessTable(Dictionary<int, ProcessEntry> entries) => _entries = entries;

    /// <summary>Differs after each start of the machine.</summary>
    public static string BootId => Boot;

    public IReadOnlyCollection<ProcessEntry> Entries => _entries.Values;

    public static ProcessTable Read()
    {
        var entries = new Dictionary<int, ProcessEntry>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(directory.AsSpan("/proc/".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && Find(number) is { } entry)
                entries[number] = entry;
        }

        return new ProcessTable(entries);
    }

    /// <summary>A process by number, or null when there is none.</summary>
    public static ProcessEntry? Find(int number) => ReadStat($"/proc/{number}/stat", number);

    /// <summary>Whether this very process is there and no zombie.</summary>
    public static bool IsAlive(ProcessId id) => Find(id.Number) is { } entry && entry.Id == id && !entry.IsGone;

    /// <summary>The states of all threads of a process; empty when it is gone.</summary>
    public static IReadOnlyList<char> ThreadStates(int number)
    {
        var states = new List<char>();
        try
        {
            foreach (var task in Directory.EnumerateDirectories($"/proc/{number}/task"))
            {
                if (ReadStat(task + "/stat", number) is { } entry)
                    states.Add(entry.State);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }

        return states;
    }

    /// <summary>Everything below the given processes, them not included.</summary>
    public IEnumerable<ProcessEntry> DescendantsOf(IReadOnlySet<int> roots)
    {
        foreach (var entry in _entries.Values)
        {
            // Parents are followed by number within one pass; a chain longer than the table is a cycle made by a reused number.
            var above = entry.Parent;
            for (var depth = 0; above > 0 && depth <= _entries.Count; depth++)
            {
                if (roots.Contains(above))
                {
                    yield return entry;
                    break;
                }

                above = _entries.TryGetValue(above, out var parent) ? parent.Parent : 0;
            }
        }
    }

    /// <summary>Whether a process was started with <c>NAME=VALUE</c> in its environment, as far as we may see it.</summary>
    public static bool HasVariable(int number, ReadOnlySpan<byte> assignment, byte[] buffer)
    {
        var count = Libc.ReadFile($"/proc/{number}/environ", buffer);
        if (count <= 0)
            return false;
        var environment = buffer.AsSpan(0, count);
        for (var rest = environment; ;)
        {
            var at = rest.IndexOf(assignment);
            if (at < 0)
                return false;
            var end = at + assignment.Length;
            var startsHere = rest.Length == environment.Length && at == 0 || at > 0 && rest[at - 1] == 0;
            if (startsHere && (end == rest.Length || rest[end] == 0))
                return true;
            rest = rest[(at + 1)..];
        }
    }

    /// <summary>Signals this very process: a number that was given to another one meanwhile is left alone.</summary>
    public static bool Signal(ProcessId id, int signal)
    {
        var descriptor = Libc.OpenProcess(id.Number);
        if (descriptor < 0)
            return Find(id.Number) is { } entry && entry.Id == id && Libc.kill(id.Number, signal) == 0;
        try
        {
            return Find(id.Number) is { } found && found.Id == id && Libc.Signal(descriptor, signal);
        }
        finally
        {
            _ = Libc.close(descriptor);
        }
    }

    private static ProcessEntry? ReadStat(string path, int number)
    {
        Span<byte> buffer = stackalloc byte[1024];
        var count = Libc.ReadFile(path, buffer);
        if (count <= 0)
            return null;
        var line = buffer[..count];

        // The name is in parentheses and may itself contain some: proc(5).
        var open = line.IndexOf((byte)'(');
        var close = line.LastIndexOf((byte)')');
        if (open < 0 || close < open)
            return null;
        var name = Encoding.UTF8.GetString(line[(open + 1)..close]);
        var fields = line[(close + 2)..];
        Span<Range> ranges = stackalloc Range[21];
        var field = 0;
        var start = 0;
        for (var i = 0; i <= fields.Length && field < 21; i++)
        {
            if (i == fields.Length || fields[i] == ' ')
            {
                ranges[field++] = start..i;
                start = i + 1;
            }
        }

        return field >= 20
            && int.TryParse(fields[ranges[1]], CultureInfo.InvariantCulture, out var parent)
            && int.TryParse(fields[ranges[17]], CultureInfo.InvariantCulture, out var threads)
            && ulong.TryParse(fields[ranges[19]], CultureInfo.InvariantCulture, out var started)
            ? new ProcessEntry(new ProcessId(number, started), parent, (char)fields[0], name, threads)
            : null;
    }

    private static string ReadBootId()
    {
        try
        {
            return File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
        }
        catch (IOException)
        {
            return "unknown";
        }
    }
}
