using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;

namespace StatefulRelocate.EndToEnd.Tests.Programs;

/// <summary>Two clusters, a DNS server and a repository of one test, made with the commands that a user types.</summary>
internal sealed class World : IAsyncDisposable
{
    public const string App = "app";
    private readonly TemporaryDirectory _directory;
    private readonly Dictionary<string, string> _environment;

    private World(string? root)
    {
        _directory = new TemporaryDirectory(root);
        (SourceAddress, TargetAddress, DnsAddress) = (FreeAddress(), FreeAddress(), FreeAddress());
        // Another user's app has to reach its volume below.
        File.SetUnixFileMode(_directory.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        _environment = new Dictionary<string, string>
        {
            ["RELOCATE_STATE"] = StateDirectory,
            ["RELOCATE_CONFIG"] = _directory.File("config.yaml"),
        };
    }

    public IPAddress SourceAddress { get; }

    public IPAddress TargetAddress { get; }

    public IPAddress DnsAddress { get; }

    public string Directory => _directory.Path;

    public string StateDirectory => _directory.File("state");

    public string RelocationFile => _directory.File("relocation.yaml");

    /// <summary>The same from <c>edge-b</c> to <c>edge-a</c>.</summary>
    public string RelocationBackFile => _directory.File("relocation-back.yaml");

    public IReadOnlyDictionary<string, string> Environment => _environment;

    /// <summary>Builds it; the app runs on <c>edge-a</c> afterwards.</summary>
    /// <param name="app">The app file's lines below its name.</param>
    /// <param name="cutover">The cutover, as YAML in one line.</param>
    /// <param name="seed">Fills the source's volume before the app starts; gets the volume's directory.</param>
    /// <param name="repository">The repository's URL; null for a directory of the world's own.</param>
    /// <param name="credentials">Variables that every command gets.</param>
    /// <param name="root">A directory to make it in, on the file system that the volumes shall be on; null: among the temporary files.</param>
    public static async Task<World> CreateAsync(
        string app, string cutover, Func<string, Task>? seed = null, string? repository = null, IReadOnlyDictionary<string, string>? credentials = null, string? root = null)
    {
        var world = new World(root);
        try
        {
            foreach (var (name, value) in credentials ?? new Dictionary<string, string>())
                world._environment[name] = value;
            repository ??= $"dir:{world._directory.File("repository")}";
            await world.WriteAsync(app, cutover, repository);
            await world.MustAsync("repo", "init", "--repo", repository, "--key-file", world._directory.File("repository.key"));
            await world.MustAsync("dns", "up");
            await world.MustAsync("cluster", "up", "edge-a");
            await world.MustAsync("cluster", "up", "edge-b");
            await world.MustAsync("dns", "set", "edge.test", "app", "A", "1", world.SourceAddress.ToString());
            await world.MustAsync("app", "apply", "-f", world._directory.File("app.yaml"), "--cluster", "edge-a");
            if (seed is not null)
                await seed(world.VolumePath("edge-a"));
            await world.MustAsync("app", "start", App, "--cluster", "edge-a");
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    public string VolumePath(string cluster) => Path.Combine(StateDirectory, "clusters", cluster, "apps", App, "volumes", "data");

    public string? FenceFile(string cluster) =>
        Path.Combine(StateDirectory, "clusters", cluster, "apps", App, "writer.json") is var file && File.Exists(file) ? file : null;

    public Task<ProgramResult> RunAsync(params string[] arguments) => RelocateProgram.RunAsync(arguments, _environment);

    public RunningProgram Start(params string[] arguments) => RelocateProgram.Start(arguments, _environment);

    public async Task<ProgramResult> MustAsync(params string[] arguments)
    {
        var result = await RunAsync(arguments);
        Assert.True(result.ExitCode == 0, $"relocate {string.Join(' ', arguments)}: {result}");
        return result;
    }

    /// <summary>The report of a <c>relocate run --json</c>.</summary>
    public static JsonElement Report(ProgramResult result)
    {
        try
        {
            return JsonDocument.Parse(result.Output).RootElement;
        }
        catch (JsonException)
        {
            Assert.Fail($"no document on standard output\n{result}");
            throw;
        }
    }

    public ValueTask DisposeAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task WriteAsync(string app, string cutover, string repository)
    {
        await File.WriteAllTextAsync(_directory.File("repository.key"), Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
        await File.WriteAllTextAsync(_directory.File("config.yaml"), string.Create(CultureInfo.InvariantCulture, $$"""
            apiVersion: relocate/v1alpha1
            kind: Config
            repositories:
              main: {url: "{{repository}}", keyFile: "{{_directory.File("repository.key")}}"}
            clusters:
              edge-a: {type: local, address: {{SourceAddress}}}
              edge-b: {type: local, address: {{TargetAddress}}}
            dns:
              local: {type: embedded, listen: "{{DnsAddress}}:5353", zones: [edge.test]}

            """));
        await File.WriteAllTextAsync(_directory.File("app.yaml"), $"""
            apiVersion: relocate/v1alpha1
            kind: App
            name: {App}
            {app}

            """);
        await File.WriteAllTextAsync(RelocationFile, Relocation("edge-a", "edge-b", cutover));
        await File.WriteAllTextAsync(RelocationBackFile, Relocation("edge-b", "edge-a", cutover));
    }

    private static string Relocation(string source, string target, string cutover) => $$"""
            apiVersion: relocate/v1alpha1
            kind: Relocation
            app: {{App}}
            source: {{source}}
            target: {{target}}
            repository: main
            dns: {server: local, zone: edge.test, name: app, ttl: 1s}
            cutover: {{cutover}}

            """;

    private static IPAddress FreeAddress()
    {
        while (true)
        {
            var address = new IPAddress([127, (byte)RandomNumberGenerator.GetInt32(2, 15), (byte)RandomNumberGenerator.GetInt32(1, 255), (byte)RandomNumberGenerator.GetInt32(1, 255)]);
            try
            {
                using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                probe.Bind(new IPEndPoint(address, 5353));
                return address;
            }
            catch (SocketException)
            {
                // Somebody listens there; another.
            }
        }
    }
}
