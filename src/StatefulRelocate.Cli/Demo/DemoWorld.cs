using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using StatefulRelocate.Cli.Demo.Temporal;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Reports;
using StatefulRelocate.Dns;

namespace StatefulRelocate.Cli.Demo;

/// <summary>Everything that the app needs to live before and after its move: clusters, name server, repository, data, clients.</summary>
internal sealed class DemoWorld(DemoOptions options, DemoSandbox sandbox, DemoPrograms programs, DemoTemporal? temporal) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly DemoCommands _commands = new(sandbox, programs);
    private LoopbackReservation? _reservation;

    public DemoClients Clients { get; } = new(options, sandbox, programs);

    private IPEndPoint Dns => new(_reservation!.Addresses[2], DemoFiles.DnsPort);

    /// <summary>Builds it; the app serves and both clients write when this returns.</summary>
    public async Task BuildAsync(DemoOutput output, CancellationToken cancellationToken)
    {
        _reservation = LoopbackReservation.Take(3, DemoFiles.AppPort, DemoFiles.DnsPort);
        Mark();
        await DemoFiles.WriteAsync(sandbox, options, programs, _reservation.Addresses, cancellationToken);
        sandbox.Tell("RELOCATE_ENGINE", temporal is null ? "embedded" : "temporal");
        temporal?.Prepare(sandbox);
        output.Say($"starting the clusters, the DNS server and the repository{(temporal is null ? "" : $", relocate-server and the agents, with Temporal at {temporal.Address}")}");
        await Task.WhenAll(
            _commands.RunAsync(["repo", "init", "--repo", $"dir:{sandbox.RepositoryDirectory}", "--key-file", sandbox.KeyFile], cancellationToken),
            _commands.RunAsync(["dns", "up", DemoFiles.DnsServer], cancellationToken),
            _commands.RunAsync(["cluster", "up", DemoFiles.Source], cancellationToken),
            _commands.RunAsync(["cluster", "up", DemoFiles.Target], cancellationToken),
            temporal?.StartAsync(sandbox, cancellationToken) ?? Task.CompletedTask);
        await _commands.RunAsync(["dns", "set", DemoFiles.Zone, DemoFiles.App, "A", "1", _reservation.Addresses[0].ToString()], cancellationToken);
        output.Say($"starting '{DemoFiles.App}' on {DemoFiles.Source} with {Reports.Quantities.Bytes(options.Size)} of data");
        await _commands.RunAsync(["app", "apply", "-f", sandbox.AppFile, "--cluster", DemoFiles.Source], cancellationToken);
        await _commands.RunAsync(["app", "start", DemoFiles.App, "--cluster", DemoFiles.Source], cancellationToken);
        Clients.Start(Dns);
        await Clients.WaitUntilStartedAsync(cancellationToken);
    }

    /// <summary>Makes the directory one that <c>demo end</c> takes.</summary>
    public void Mark() => File.WriteAllText(sandbox.MarkerFile, "{}\n");

    /// <summary>What the clients saw; every write they had acknowledged is read back through DNS.</summary>
    public async Task<ClientObservations> ObserveAsync(CancellationToken cancellationToken)
    {
        var (resolving, pinned) = await Clients.ReadAsync(cancellationToken);
        ImmutableArray<ClientWrite> all = [.. resolving.Writes, .. pinned.Writes];
        var address = await ResolveAsync(cancellationToken);
        return new ClientObservations
        {
            Resolving = [.. resolving.Writes.Select(static write => write.Acknowledged)],
            Others = [.. pinned.Writes.Select(static write => write.Acknowledged)],
            FailedRequests = resolving.Failed + pinned.Failed,
            Lost = address is null ? all.Length : await ReadBack.CountLostAsync(UrlOf(address), all, cancellationToken),
        };
    }

    /// <summary>The cluster whose app answers at the address that the name resolves to now, or null.</summary>
    public async Task<string?> ServedByAsync(CancellationToken cancellationToken)
    {
        if (await ResolveAsync(cancellationToken) is not { } address)
            return null;
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            using var answer = await http.GetAsync(new Uri(UrlOf(address), "ready"), cancellationToken);
            return answer.IsSuccessStatusCode && answer.Headers.TryGetValues("X-Served-By", out var values) ? values.First() : null;
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Says where everything is; the demo's own cleaning up must not run after this.</summary>
    public async Task<KeptReport> KeepAsync(CancellationToken cancellationToken)
    {
        var address = await ResolveAsync(cancellationToken);
        return new KeptReport
        {
            Urls = address is null ? [] : [UrlOf(address).ToString()],
            Name = DemoFiles.Name,
            DnsServer = Dns.ToString(),
            ClientLogs = Clients.Logs,
            Temporal = temporal?.Address,
            TemporalUi = temporal?.Ui,
            End = $"{string.Join(' ', programs.Relocate)} demo end --state {sandbox.Directory}",
        };
    }

    public async ValueTask DisposeAsync()
    {
        await Clients.DisposeAsync();
        _reservation?.Dispose();
    }

    private static Uri UrlOf(IPAddress address) => new(string.Create(CultureInfo.InvariantCulture, $"http://{address}:{DemoFiles.AppPort}/"));

    private async Task<IPAddress?> ResolveAsync(CancellationToken cancellationToken)
    {
        var driver = new EmbeddedDnsDriver(Path.Combine(sandbox.Directory, "dns", DemoFiles.DnsServer, EmbeddedDnsOptions.ControlSocketName), Dns, TimeProvider.System);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            var answers = await driver.AskAsync(DemoFiles.Zone, DemoFiles.Name, "A", patience.Token);
            return answers is [{ RecordSet.Records: [var record, ..] }, ..] ? IPAddress.Parse(record) : null;
        }
        catch (DnsException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RelocateException($"{Dns}: the demo's DNS server does not answer", ExitCode.OurError);
        }
    }
}
