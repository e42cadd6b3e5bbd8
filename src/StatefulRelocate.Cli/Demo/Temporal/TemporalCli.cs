using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Cli.Demo.Temporal;

/// <summary>The official Temporal CLI, which holds a development server.</summary>
internal static class TemporalCli
{
    private const string Variable = "TEMPORAL_CLI";

    /// <summary>Its path: what the variable names, else the first on PATH.</summary>
    /// <exception cref="RelocateException">There is none.</exception>
    public static string Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
            return File.Exists(named) ? Path.GetFullPath(named) : throw new RelocateException($"{Variable} is '{named}', which does not exist");
        foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
            if (Path.GetFullPath(Path.Combine(directory, "temporal")) is var path && File.Exists(path))
                return path;
        throw new RelocateException(
            $"--engine temporal needs a Temporal server: name one in TEMPORAL_ADDRESS, or put the Temporal CLI, which has one, on PATH or into {Variable} (https://docs.temporal.io/cli#install)");
    }
}
