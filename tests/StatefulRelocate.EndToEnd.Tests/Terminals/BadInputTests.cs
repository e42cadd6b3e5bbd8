using System.Net;
using System.Net.Sockets;
using StatefulRelocate.EndToEnd.Tests.Programs;

namespace StatefulRelocate.EndToEnd.Tests.Terminals;

/// <summary>Bad input is one line with exit code 2, and nothing was touched.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_file_that_is_no_yaml_is_named_with_its_line() =>
        await MustRefuseAsync(Config(), "app: [", "relocation.yaml:");

    [Fact]
    public async Task An_unknown_field_is_named_with_its_line() =>
        await MustRefuseAsync(Config(), Relocation() + "colour: red\n", "relocation.yaml:9");

    [Fact]
    public async Task A_cluster_that_is_not_configured_is_named() =>
        await MustRefuseAsync(Config(), Relocation().Replace("target: edge-b", "target: edge-c", StringComparison.Ordinal), "edge-c");

    [Fact]
    public async Task A_relocation_file_that_is_not_there_is_named() => await MustRefuseAsync(Config(), null, "relocation.yaml");

    [Fact]
    public async Task A_state_directory_that_cannot_be_written_is_named()
    {
        await WriteAsync(Config(), Relocation());
        await File.WriteAllTextAsync(_directory.File("file"), "", TestContext.Current.CancellationToken);

        (await RelocateProgram.RunAsync(["list", "--state", _directory.File("file/state")])).MustBeOneLine("file");
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        using var taken = new TcpListener(IPAddress.Parse("127.0.0.1"), 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await WriteAsync(Config().Replace("127.0.77.3:5353", $"127.0.0.1:{port}", StringComparison.Ordinal), Relocation());

        (await RunAsync("dns", "up")).MustBeOneLine($"{port}");
    }

    private async Task MustRefuseAsync(string config, string? relocation, string named)
    {
        await WriteAsync(config, relocation);

        (await RunAsync("run", "-f", _directory.File("relocation.yaml"))).MustBeOneLine(named);
        (await RunAsync("plan", "-f", _directory.File("relocation.yaml"))).MustBeOneLine(named);
        Assert.False(File.Exists(_directory.File("state/journal/relocations.db")));
    }

    private Task<ProgramResult> RunAsync(params string[] arguments) =>
        RelocateProgram.RunAsync([.. arguments, "--state", _directory.File("state"), "--config", _directory.File("config.yaml")]);

    private async Task WriteAsync(string config, string? relocation)
    {
        await File.WriteAllTextAsync(_directory.File("config.yaml"), config);
        if (relocation is not null)
            await File.WriteAllTextAsync(_directory.File("relocation.yaml"), relocation);
    }

    private string Config() => $$$"""
        apiVersion: relocate/v1alpha1
        kind: Config
        repositories: {main: {url: "dir:{{{_directory.File("repository")}}}"}}
        clusters:
          edge-a: {type: local, address: 127.0.77.1}
          edge-b: {type: local, address: 127.0.77.2}
        dns: {local: {type: embedded, listen: "127.0.77.3:5353", zones: [edge.test]}}

        """;

    private static string Relocation() => """
        apiVersion: relocate/v1alpha1
        kind: Relocation
        app: app
        source: edge-a
        target: edge-b
        repository: main
        dns: {server: local, zone: edge.test, name: app}
        cutover: {quiesce: stop}

        """;
}
