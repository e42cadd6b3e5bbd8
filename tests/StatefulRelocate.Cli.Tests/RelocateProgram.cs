using System.Diagnostics;
using System.Reflection;

namespace StatefulRelocate.Cli.Tests;

/// <summary>The command line as a process of its own, with a directory, a state directory and a repository of its own.</summary>
internal sealed class RelocateProgram : IDisposable
{
    private static readonly Dictionary<string, string?> s_metadata = Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().ToDictionary(each => each.Key, each => each.Value);
    private readonly DirectoryInfo _directory = System.IO.Directory.CreateTempSubdirectory("relocate-cli-");

    public string Directory => _directory.FullName;

    public string In(string name) => Path.Combine(Directory, name);

    /// <summary>Runs it to its end, with the directory as the current one.</summary>
    public async Task<Ended> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(s_metadata["ArtifactsPath"]!, "bin", "StatefulRelocate.Cli", s_metadata["ArtifactsPivot"]!, "relocate.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Directory,
            Environment =
            {
                ["RELOCATE_STATE"] = In("state"),
                ["RELOCATE_REPO"] = "dir:" + In("repository"),
                ["RELOCATE_PASSPHRASE"] = "correct horse battery staple",
            },
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return new Ended(process.ExitCode, await output, await errors);
    }

    public void Dispose() => _directory.Delete(recursive: true);
}

/// <summary>How a run ended.</summary>
internal sealed record Ended(int ExitCode, string Output, string Errors)
{
    public Ended MustBe(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"exit code {ExitCode} instead of {exitCode}\n{Output}\n{Errors}");
        return this;
    }

    /// <summary>Bad input: one line, and nothing on standard output.</summary>
    public void MustBeRefused(string because)
    {
        MustBe(2);
        Assert.Empty(Output);
        Assert.Contains(because, Assert.Single(Errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }
}
