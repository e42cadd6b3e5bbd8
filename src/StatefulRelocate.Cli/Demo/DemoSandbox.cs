using System.Collections.Immutable;
using System.Globalization;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Cli.Demo;

/// <summary>
/// The demo's own state directory, with everything it makes below it. Whatever is left of a demo is found by this directory, and nothing
/// else is.
/// </summary>
internal sealed class DemoSandbox
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private const string Marker = "demo.json";
    private const string Variable = "RELOCATE_DEMO";

    private DemoSandbox(string directory)
    {
        Directory = directory;
        Environment = ImmutableDictionary<string, string>.Empty
            .Add(Variable, Directory)
            .Add("RELOCATE_STATE", Directory)
            .Add("RELOCATE_CONFIG", ConfigFile);
    }

    /// <summary>The state directory, absolute, mode 0700.</summary>
    public string Directory { get; }

    public string ConfigFile => Path.Combine(Directory, "config.yaml");

    public string AppFile => Path.Combine(Directory, "app.yaml");

    public string RelocationFile => Path.Combine(Directory, "relocation.yaml");

    public string KeyFile => Path.Combine(Directory, "repository.key");

    public string RepositoryDirectory => Path.Combine(Directory, "repository");

    public string MarkerFile => Path.Combine(Directory, Marker);

    /// <summary>What every process of the demo gets.</summary>
    public ImmutableDictionary<string, string> Environment { get; private set; }

    /// <summary>Lets every process that is started from now on know something.</summary>
    public void Tell(string variable, string value) => Environment = Environment.SetItem(variable, value);

    /// <summary>The environment of its processes, as a whole.</summary>
    public Dictionary<string, string> AllVariables()
    {
        var all = System.Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().ToDictionary(static each => (string)each.Key, static each => (string)each.Value!, StringComparer.Ordinal);
        foreach (var (name, value) in Environment)
            all[name] = value;
        return all;
    }

    public static DemoSandbox Create()
    {
        try
        {
            var sandbox = new DemoSandbox(System.IO.Directory.CreateTempSubdirectory("relocate-demo-").FullName);
            System.IO.Directory.CreateDirectory(Path.Combine(sandbox.Directory, "logs"));
            return sandbox;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"{Path.GetTempPath()}: cannot make a directory for the demo: {error.Message}; set TMPDIR to a writable directory", inner: error);
        }
    }

    /// <summary>A demo that runs or ran there.</summary>
    public static DemoSandbox Open(string directory)
    {
        var sandbox = new DemoSandbox(Path.GetFullPath(directory));
        return File.Exists(sandbox.MarkerFile)
            ? sandbox
            : throw new RelocateException($"{sandbox.Directory}: no demo was left here; give the directory that 'relocate demo --keep' named");
    }

    public string Log(string name) => Path.Combine(Directory, "logs", $"{name}.log");

    /// <summary>
    /// The processes of this demo, this one excepted: those that carry its directory as their mark, the keepers of its apps, and the apps,
    /// which get an environment of their own that names their volumes.
    /// </summary>
    public List<int> Processes()
    {
        var found = new List<int>();
        foreach (var path in System.IO.Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(path.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id == System.Environment.ProcessId)
                continue;
            try
            {
                if (Words($"{path}/environ").Exists(IsOurs) || IsOurKeeper(Words($"{path}/cmdline")))
                    found.Add(id);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Gone meanwhile, or another user's: not ours.
            }
        }

        return found;
    }

    /// <summary>Ends everything in order, kills what is left after that, and removes the directory.</summary>
    public async Task RemoveAsync(DemoCommands commands)
    {
        if (File.Exists(ConfigFile) && Processes().Count > 0)
        {
            using var patience = new CancellationTokenSource(Patience);
            await Task.WhenAll(
                TryAsync(commands, ["cluster", "down", DemoFiles.Source, "--force"], patience.Token),
                TryAsync(commands, ["cluster", "down", DemoFiles.Target, "--force"], patience.Token),
                TryAsync(commands, ["dns", "down", DemoFiles.DnsServer], patience.Token));
        }

        // A keeper restarts what dies: go on until a look finds nothing.
        for (var pass = 0; pass < 100 && Processes() is { Count: > 0 } left; pass++)
        {
            foreach (var id in left)
                Signals.Send(id, Signals.Kill);
            await Task.Delay(20);
        }

        for (var pass = 0; ; pass++)
        {
            try
            {
                System.IO.Directory.Delete(Directory, recursive: true);
                return;
            }
            catch (DirectoryNotFoundException)
            {
                return;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException && pass < 20)
            {
                // A killed process may still have been making a file.
                await Task.Delay(50);
            }
        }
    }

    private static async Task TryAsync(DemoCommands commands, string[] command, CancellationToken cancellationToken)
    {
        try
        {
            await commands.RunAsync(command, cancellationToken);
        }
        catch (Exception error) when (error is RelocateException or OperationCanceledException)
        {
            // What does not end is killed next.
        }
    }

    private static List<string> Words(string path) => [.. File.ReadAllText(path).Split('\0')];

    private bool IsOurs(string variable) =>
        string.Equals(variable, $"{Variable}={Directory}", StringComparison.Ordinal)
        || (variable.StartsWith("RELOCATE_VOLUME_", StringComparison.Ordinal) && variable.Contains($"={Directory}/", StringComparison.Ordinal));

    private bool IsOurKeeper(List<string> command) =>
        command.IndexOf("--app-directory") is >= 0 and var option && option + 1 < command.Count && command[option + 1].StartsWith($"{Directory}/", StringComparison.Ordinal);
}
