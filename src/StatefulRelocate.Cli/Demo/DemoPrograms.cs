using System.Collections.Immutable;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Cli.Demo;

/// <summary>Where the programs are that the demo runs: this one again, and the samples.</summary>
internal sealed record DemoPrograms(ImmutableArray<string> Relocate, ImmutableArray<string> ImageServer, ImmutableArray<string> ImageClient)
{
    /// <summary>Names a directory that holds the samples; for builds that did not publish them beside <c>relocate</c>.</summary>
    public const string Variable = "RELOCATE_SAMPLES";

    public static DemoPrograms Find() => new(Self(), Sample("ImageServer"), Sample("ImageClient"));

    /// <summary>This program's command: the executable, or <c>dotnet</c> and the assembly.</summary>
    public static ImmutableArray<string> Self()
    {
        var process = Environment.ProcessPath ?? throw new RelocateException("/proc is not readable: cannot find the path of this program", ExitCode.OurError);
        return string.Equals(Path.GetFileNameWithoutExtension(process), "dotnet", StringComparison.Ordinal)
            ? [process, Path.Combine(AppContext.BaseDirectory, "relocate.dll")]
            : [process];
    }

    /// <summary><c>relocate-server</c>.</summary>
    /// <exception cref="RelocateException">It is not beside this program.</exception>
    public static ImmutableArray<string> Server() => Worker("relocate-server", "Server");

    /// <summary><c>relocate-agent</c>.</summary>
    /// <exception cref="RelocateException">It is not beside this program.</exception>
    public static ImmutableArray<string> Agent() => Worker("relocate-agent", "Agent");

    /// <summary>Where the .NET runtime is for programs that need it, as the build noted it; null: where they look by themselves.</summary>
    public static string? DotnetRoot()
    {
        var noted = Path.Combine(AppContext.BaseDirectory, ".dotnet");
        return Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } || !File.Exists(noted) ? null : File.ReadLines(noted).FirstOrDefault();
    }

    private static ImmutableArray<string> Worker(string program, string project) => Find(program, Places(project))
        ?? throw new RelocateException($"{AppContext.BaseDirectory}: {program} is not beside relocate; start the demo with ./relocate of the source tree");

    private static ImmutableArray<string> Sample(string name) => Find(name, Places(name))
        ?? throw new RelocateException($"{AppContext.BaseDirectory}: the demo's sample '{name}' is not beside relocate; start it with ./relocate of the source tree, or name its directory in ${Variable}");

    private static ImmutableArray<string>? Find(string name, IEnumerable<string> places)
    {
        foreach (var directory in places)
        {
            var program = Path.Combine(directory, name);
            if (File.Exists(program))
                return [program];
            if (File.Exists($"{program}.dll"))
                return ["dotnet", $"{program}.dll"];
        }

        return null;
    }

    private static IEnumerable<string> Places(string name)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            yield return named;
            yield return Path.Combine(named, name);
        }

        yield return AppContext.BaseDirectory;
        yield return Path.Combine(AppContext.BaseDirectory, "samples");
        yield return Path.Combine(AppContext.BaseDirectory, "samples", name);
        // A development build: artifacts/bin/StatefulRelocate.Cli/debug/ and artifacts/bin/ImageServer/debug/.
        var bin = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", ".."));
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        yield return Path.Combine(bin, name, configuration);
        yield return Path.Combine(bin, $"StatefulRelocate.{name}", configuration);
    }
}
