namespace StatefulRelocate.TestSupport.Servers;

/// <summary>Servers that tests run, looked for in this order: the variable, PATH, places relative to the repository's root.</summary>
public static class TestPrograms
{
    private static readonly string s_root = FindRoot();

    /// <summary>The MinIO program, or null.</summary>
    public static string? Minio => Find("MINIO", ["minio"], "../shared/bin/minio");

    /// <summary>The Azurite program, or null.</summary>
    public static string? Azurite => Find("AZURITE", ["azurite-blob"], "artifacts/npm/node_modules/.bin/azurite-blob");

    /// <summary>The Temporal CLI, which has a development server, or null.</summary>
    public static string? Temporal => Find("TEMPORAL_CLI", ["temporal"], "../shared/bin/temporal");

    /// <summary>The Toxiproxy program, or null.</summary>
    public static string? Toxiproxy => Find("TOXIPROXY", ["toxiproxy-server"], "../shared/bin/toxiproxy-server");

    /// <summary>Says why a test is skipped that needs a program.</summary>
    /// <param name="program">Its name.</param>
    /// <param name="variable">The variable that may name it.</param>
    public static string Missing(string program, string variable) => $"{program} was not found: not by ${variable}, not on PATH, and not in ../shared/bin or artifacts/npm";

    private static string? Find(string variable, string[] names, string relative)
    {
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } named)
            return File.Exists(named) ? named : throw new FileNotFoundException($"${variable} names '{named}', which does not exist");
        var onPath = from directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
                     from name in names
                     let path = Path.Combine(directory, name)
                     where File.Exists(path)
                     select path;
        var beside = Path.GetFullPath(Path.Combine(s_root, relative));
        return onPath.FirstOrDefault() ?? (File.Exists(beside) ? beside : null);
    }

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "StatefulRelocate.sln")))
                return directory.FullName;
        }

        return AppContext.BaseDirectory;
    }
}
