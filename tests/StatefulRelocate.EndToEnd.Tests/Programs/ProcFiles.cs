using System.Globalization;

namespace StatefulRelocate.EndToEnd.Tests.Programs;

/// <summary>Reads <c>/proc</c>; what is gone reads as empty.</summary>
internal static class ProcFiles
{
    public static IEnumerable<int> ProcessIds()
    {
        foreach (var path in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                yield return id;
        }
    }

    public static string Read(int id, string file) => ReadPath($"/proc/{id}/{file}");

    public static string ReadPath(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    /// <summary>The fields after the name in <c>stat</c>: state, parent, … (proc_pid_stat(5), from field 3 on).</summary>
    public static string[] Stat(string path)
    {
        var text = ReadPath(path);
        var close = text.LastIndexOf(')');
        return close < 0 ? [] : text[(close + 2)..].Split(' ');
    }

    /// <summary>The states of all threads of a process.</summary>
    public static List<char> ThreadStates(int id)
    {
        var states = new List<char>();
        try
        {
            foreach (var task in Directory.EnumerateDirectories($"/proc/{id}/task"))
                if (Stat($"{task}/stat") is { Length: > 0 } stat)
                    states.Add(stat[0][0]);
        }
        catch (IOException)
        {
            // Gone meanwhile.
        }

        return states;
    }
}
