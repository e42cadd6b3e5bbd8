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

    private static ImmutableArray<string> Sample(string name)
    {
        foreach (var directory in Places(name))
        {
            var program = Path.Combine(directory, name);
            if (File.Exists(program))
                return [program];
            if (File.Exists($"{program}.dll"))
                return ["dotnet", $"{program}.dll"];
        }

        throw new RelocateException($"{AppContext.BaseDirectory}: the demo's sample '{name}' is not beside relocate; start it with ./relocate of the source tree, or name its directory in ${Variable}");
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
