using System.Globalization;
using System.Net;
using System.Net.Sockets;
using StatefulRelocate.Cli.Processes;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using Temporalio.Common;

namespace StatefulRelocate.Cli.Demo.Temporal;

/// <summary>
/// What carries the demo's relocation on when that is on Temporal: <c>relocate-server</c> and an agent for each cluster, and a development server where
/// <c>TEMPORAL_ADDRESS</c> names none. All are processes of their own, in the demo's directory like everything else of it.
/// </summary>
internal sealed class DemoTemporal : IDisposable
{
    private const string AddressVariable = "TEMPORAL_ADDRESS";
    private const int StatusPort = 9464;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private readonly IReadOnlyList<string> _server;
    private readonly IReadOnlyList<string> _agent;
    private readonly string? _cli;
    private LoopbackReservation? _reservation;
    private IPEndPoint? _ownServer;
    private IPEndPoint? _ownUi;

    private DemoTemporal(IReadOnlyList<string> server, IReadOnlyList<string> agent, string? cli) => (_server, _agent, _cli) = (server, agent, cli);

    /// <summary>Where the server is.</summary>
    public string Address => _ownServer?.ToString() ?? Environment.GetEnvironmentVariable(AddressVariable)!;

    /// <summary>Its user interface, or null where it is not the demo's own.</summary>
    public string? Ui => _ownUi is null ? null : $"http://{_ownUi}/";

    /// <summary>Sees, before anything is touched, that there is a server or a program that is one, and our own programs.</summary>
    /// <exception cref="RelocateException">Something is missing.</exception>
    public static DemoTemporal Choose() =>
        new(DemoPrograms.Server(), DemoPrograms.Agent(), Environment.GetEnvironmentVariable(AddressVariable) is { Length: > 0 } ? null : TemporalCli.Find());

    /// <summary>Takes an address, and tells the demo's other processes of it.</summary>
    public void Prepare(DemoSandbox sandbox)
    {
        _reservation = LoopbackReservation.Take(1, StatusPort, StatusPort + 1, StatusPort + 2);
        if (DemoPrograms.DotnetRoot() is { } dotnet)
            sandbox.Tell("DOTNET_ROOT", dotnet);
        if (_cli is null)
            return;
        // The parts of a development server find each other on 127.0.0.1 only.
        (_ownServer, _ownUi) = (FreeEndpoint(), FreeEndpoint());
        sandbox.Tell(AddressVariable, Address);
        sandbox.Tell("TEMPORAL_NAMESPACE", "default");
        // Whatever the user has set for another server.
        sandbox.Tell("TEMPORAL_CONFIG_FILE", "/dev/null");
        sandbox.Tell("TEMPORAL_PROFILE", "");
        sandbox.Tell("TEMPORAL_API_KEY", "");
        sandbox.Tell("TEMPORAL_TLS", "false");
    }

    /// <summary>Starts all; they work when this returns.</summary>
    public async Task StartAsync(DemoSandbox sandbox, CancellationToken cancellationToken)
    {
        var starting = new List<Task>();
        if (_cli is not null)
            starting.Add(StartServerAsync(sandbox, cancellationToken));
        starting.Add(StartWorkerAsync(sandbox, _server, [], StatusPort, "relocate-server", cancellationToken));
        starting.Add(StartWorkerAsync(sandbox, _agent, ["--cluster", DemoFiles.Source], StatusPort + 1, $"relocate-agent-{DemoFiles.Source}", cancellationToken));
        starting.Add(StartWorkerAsync(sandbox, _agent, ["--cluster", DemoFiles.Target], StatusPort + 2, $"relocate-agent-{DemoFiles.Target}", cancellationToken));
        await Task.WhenAll(starting);
    }

    public void Dispose() => _reservation?.Dispose();

    private Task StartServerAsync(DemoSandbox sandbox, CancellationToken cancellationToken)
    {
        var (server, ui) = (_ownServer!, _ownUi!);
        List<string> command =
        [
            _cli!, "server", "start-dev", "--ip", server.Address.ToString(), "--port", Text(server.Port), "--ui-ip", ui.Address.ToString(), "--ui-port", Text(ui.Port), "--log-level", "error",
            // It looks into its queues 20 times a second only, which makes 100 ms of every step.
            "--dynamic-config-value", "history.transferProcessorMaxPollRPS=1000",
        ];
        foreach (var attribute in (SearchAttributeKey<string>[])[RelocationAttributes.App, RelocationAttributes.Source, RelocationAttributes.Target, RelocationAttributes.Phase])
            command.AddRange(["--search-attribute", $"{attribute.Name}=Keyword"]);
        return BackgroundProcess.Start(command, sandbox.Log("temporal"), sandbox.Environment).WaitUntilAsync(ListensAsync, StartLimit, TimeProvider.System, cancellationToken);

        async Task<bool> ListensAsync(CancellationToken token)
        {
            using var probe = new TcpClient();
            try
            {
                await probe.ConnectAsync(server, token);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        }
    }

    private async Task StartWorkerAsync(DemoSandbox sandbox, IReadOnlyList<string> program, IReadOnlyList<string> arguments, int port, string log, CancellationToken cancellationToken)
    {
        var process = BackgroundProcess.Start([.. program, .. arguments, "--listen", Of(port)], sandbox.Log(log), sandbox.Environment);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };
        await process.WaitUntilAsync(IsReadyAsync, StartLimit, TimeProvider.System, cancellationToken);

        async Task<bool> IsReadyAsync(CancellationToken token)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri($"http://{Of(port)}/readyz"), token);
                return answer.IsSuccessStatusCode;
            }
            catch (Exception error) when (error is HttpRequestException or OperationCanceledException && !token.IsCancellationRequested)
            {
                return false;
            }
        }
    }

    private static IPEndPoint FreeEndpoint()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return (IPEndPoint)listener.LocalEndpoint;
    }

    private string Of(int port) => new IPEndPoint(_reservation!.Addresses[0], port).ToString();

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
}
