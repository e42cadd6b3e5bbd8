using System.Diagnostics;

namespace StatefulRelocate.Architecture.Tests;

/// <summary>The published program (<c>RELOCATE_BIN</c>, a directory, else the launcher's build), and a state directory of its own.</summary>
public sealed class NativeProgram : IDisposable
{
    private readonly DirectoryInfo _directory = System.IO.Directory.CreateTempSubdirectory("relocate-native-");

    public string Directory => _directory.FullName;

    public static string Folder { get; } = Environment.GetEnvironmentVariable("RELOCATE_BIN") is { Length: > 0 } folder
        ? folder
        : Path.Combine(Sources.Root, "artifacts/launcher/current");

    public static string Executable => Path.Combine(Folder, "relocate");

    /// <summary>Variables that each run gets besides.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    public static void SkipUnlessNative()
    {
        if (!File.Exists(Executable))
            Assert.Skip($"there is no {Executable}; run ./relocate once to build it");
        if (File.Exists(Path.Combine(Folder, "relocate.dll")))
            Assert.Skip("the build is not native here; with gcc or clang ./relocate builds a native one");
    }

    public Ended Run(params string[] arguments) => RunAsync(arguments).GetAwaiter().GetResult();

    public async Task<Ended> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Executable, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = Directory };
        start.Environment["RELOCATE_STATE"] = Path.Combine(Directory, "state");
        start.Environment["RELOCATE_CONFIG"] = Path.Combine(Directory, "config.yaml");
        start.Environment["RELOCATE_PASSPHRASE"] = "correct horse battery staple";
        foreach (var (name, value) in Variables)
            start.Environment[name] = value;
        var began = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return new Ended(process.ExitCode, await output, await errors, Stopwatch.GetElapsedTime(began));
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"relocate {string.Join(' ', arguments)} did not end within a minute");
        }
    }

    public void Configure(string yaml) => File.WriteAllText(Path.Combine(Directory, "config.yaml"), "apiVersion: relocate/v1alpha1\nkind: Config\n" + yaml);

    public void Dispose() => _directory.Delete(recursive: true);
}

/// <summary>How a run ended.</summary>
public sealed record Ended(int ExitCode, string Output, string Errors, TimeSpan Time)
{
    public Ended MustBe(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"exit code {ExitCode} instead of {exitCode}\n{Output}\n{Errors}");
        return this;
    }
}
