using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Temporalio.Client;
using Temporalio.Converters;
using Temporalio.Exceptions;
using Temporalio.Runtime;

namespace StatefulRelocate.TestSupport.Servers;

/// <summary>The development server of the Temporal CLI on a free port. It can be killed and started again, and then has what it had.</summary>
public sealed class TemporalServer : IAsyncDisposable
{
    /// <summary>The namespace that is there.</summary>
    public const string Namespace = "default";

    /// <summary>Why a test is skipped where there is no program.</summary>
    public static readonly string Missing = TestPrograms.Missing("temporal", "TEMPORAL_CLI");

    private readonly IReadOnlyList<string> _command;
    private readonly DirectoryInfo _directory;
    private ServerProcess? _process;

    private TemporalServer(string program, int port, TemporalServerOptions options)
    {
        _directory = Directory.CreateTempSubdirectory("relocate-temporal-");
        Address = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");
        List<string> command = [program, "server", "start-dev", "--ip", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture), "--headless", "--log-level", "error"];
        if (options.Durable)
            command.AddRange(["--db-filename", Path.Combine(_directory.FullName, "temporal.db")]);
        foreach (var attribute in options.SearchAttributes)
            command.AddRange(["--search-attribute", $"{attribute}=Keyword"]);
        foreach (var value in options.DynamicConfiguration)
            command.AddRange(["--dynamic-config-value", value]);
        _command = command;
    }

    /// <summary>Where it listens: <c>127.0.0.1:PORT</c>, the same after a restart.</summary>
    public string Address { get; }

    /// <summary>The CPU time that it used since it was started last.</summary>
    public TimeSpan CpuTime => _process?.CpuTime ?? TimeSpan.Zero;

    /// <summary>The variables by which programs that are started find it.</summary>
    public IReadOnlyDictionary<string, string> Variables => new Dictionary<string, string> { ["TEMPORAL_ADDRESS"] = Address, ["TEMPORAL_NAMESPACE"] = Namespace };

    /// <summary>Starts one, or gives null where there is no program.</summary>
    /// <param name="cancellationToken">Ends the wait for it.</param>
    public static Task<TemporalServer?> TryStartAsync(CancellationToken cancellationToken) => TryStartAsync(new TemporalServerOptions(), cancellationToken);

    /// <summary>Starts one, or gives null where there is no program.</summary>
    /// <param name="options">What differs from the plain server.</param>
    /// <param name="cancellationToken">Ends the wait for it.</param>
    public static async Task<TemporalServer?> TryStartAsync(TemporalServerOptions options, CancellationToken cancellationToken)
    {
        if (TestPrograms.Temporal is not { } program)
            return null;
        var server = new TemporalServer(program, ServerProcess.FreePort(), options);
        try
        {
            await server.StartAgainAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it after <see cref="KillAsync"/>, on the same port; with <see cref="TemporalServerOptions.Durable"/> it has what it had.</summary>
    /// <param name="cancellationToken">Ends the wait for it.</param>
    public async Task StartAgainAsync(CancellationToken cancellationToken) =>
        _process = await ServerProcess.StartAsync(_command, new Dictionary<string, string?>(), IsReadyAsync, cancellationToken);

    /// <summary>Kills it (SIGKILL) and waits until it has ended.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
            await process.DisposeAsync();
        _process = null;
    }

    /// <summary>A client of it.</summary>
    /// <param name="converter">How payloads are written. Default: the SDK's own.</param>
    /// <param name="runtime">What it and its workers run on. Default: the one of the process.</param>
    public Task<TemporalClient> ConnectAsync(DataConverter? converter = null, TemporalRuntime? runtime = null) =>
        TemporalClient.ConnectAsync(new TemporalClientConnectOptions(Address) { Namespace = Namespace, DataConverter = converter ?? DataConverter.Default, Runtime = runtime });

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _directory.Delete(recursive: true);
    }

    /// <summary>It listens before the namespace is there, and answers for the namespace before searches work.</summary>
    private async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        using (var probe = new TcpClient())
            await probe.ConnectAsync(IPEndPoint.Parse(Address), cancellationToken);
        try
        {
            var client = await ConnectAsync();
            await client.CountWorkflowsAsync("WorkflowType = 'none'", new() { Rpc = new RpcOptions { CancellationToken = cancellationToken } });
            return true;
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException)
        {
            return false;
        }
    }
}

/// <summary>What differs from the plain server.</summary>
public sealed record TemporalServerOptions
{
    /// <summary>Whether it keeps its state in a file, for a restart. Default: no.</summary>
    public bool Durable { get; init; }

    /// <summary>Search attributes of type Keyword that it knows. Default: none.</summary>
    public IReadOnlyList<string> SearchAttributes { get; init; } = [];

    /// <summary>Dynamic configuration, each as <c>KEY=JSON</c>. Default: none.</summary>
    public IReadOnlyList<string> DynamicConfiguration { get; init; } = [];
}
