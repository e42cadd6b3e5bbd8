using System.Diagnostics;

namespace StatefulRelocate.Benchmarks.Processes;

/// <summary>Finds programs: on PATH, else among the packed ones of a folder <c>shared/bin</c> beside or above the repository.</summary>
internal static class Programs
{
    /// <summary>The program itself, never a launcher in front of it, whose own start would be measured.</summary>
    public static string? Find(string name, string? variable = null)
    {
        if (variable is not null && Environment.GetEnvironmentVariable(variable) is { Length: > 0 } named)
            return named;
        foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            if (File.Exists(Path.Combine(directory, name)))
                return Path.Combine(directory, name);
        }

        for (var above = new DirectoryInfo(AppContext.BaseDirectory); above is not null; above = above.Parent)
        {
            var packed = Path.Combine(above.FullName, "shared", "bin");
            if (File.Exists(Path.Combine(packed, $"{name}.xz")) && File.Exists(Path.Combine(packed, "unpack")))
                return Read(Path.Combine(packed, "unpack"), name).Trim();
        }

        return null;
    }

    /// <summary>The repository this program was built in, where the <c>relocate</c> launcher stands.</summary>
    public static string? RepositoryRoot()
    {
        for (var above = new DirectoryInfo(AppContext.BaseDirectory); above is not null; above = above.Parent)
        {
            if (File.Exists(Path.Combine(above.FullName, "StatefulRelocate.sln")))
                return above.FullName;
        }

        return null;
    }

    /// <summary>What a program prints; empty when it cannot be run or fails.</summary>
    public static string Read(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            _ = errors.Result;
            return process.ExitCode == 0 ? output : "";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "";
        }
    }
}
