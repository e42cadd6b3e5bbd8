using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Cli.Demo;

/// <summary>The two clients: one resolves the name on every request, one keeps its connections to wherever it came first.</summary>
internal sealed class DemoClients(DemoOptions options, DemoSandbox sandbox, DemoPrograms programs) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly List<ChildProcess> _processes = [];

    /// <summary>The resolving client's log first.</summary>
    public ImmutableArray<string> Logs { get; } = [Path.Combine(sandbox.Directory, "client-resolving.jsonl"), Path.Combine(sandbox.Directory, "client-pinned.jsonl")];

    public void Start(IPEndPoint dns)
    {
        string[] common =
        [
            "--url", string.Create(CultureInfo.InvariantCulture, $"http://{DemoFiles.Name}:{DemoFiles.AppPort}"),
            "--dns", dns.ToString(),
            "--rate", options.WriteRate.ToString(CultureInfo.InvariantCulture),
        ];
        _processes.Add(ChildProcess.Start([.. programs.ImageClient, .. common, "--log", Logs[0]], sandbox.Environment, sandbox.Log("client-resolving")));
        _processes.Add(ChildProcess.Start([.. programs.ImageClient, .. common, "--log", Logs[1], "--pin"], sandbox.Environment, sandbox.Log("client-pinned")));
    }

    /// <summary>Waits until every client has had some writes acknowledged.</summary>
    public async Task WaitUntilStartedAsync(CancellationToken cancellationToken)
    {
        foreach (var log in Logs)
            await WaitAsync(log, static writes => writes.Length >= 5, "write for the first time", cancellationToken);
    }

    /// <summary>Waits until the resolving client has had more writes acknowledged, by the given cluster if there is one.</summary>
    public async Task WaitUntilWritingAsync(string? cluster, CancellationToken cancellationToken)
    {
        var before = (await ClientLog.ReadAsync(Logs[0], cancellationToken)).Writes.Length;
        await WaitAsync(Logs[0], writes => writes.Length >= before + 5 && (cluster is null || writes[^1].Acknowledged.Cluster == cluster), "write again", cancellationToken);
    }

    /// <summary>Ends both, each after the request it is in.</summary>
    public async Task StopAsync()
    {
        await Task.WhenAll(_processes.Select(static process => process.StopAsync(TimeSpan.FromSeconds(5))));
        foreach (var process in _processes)
            process.Dispose();
        _processes.Clear();
    }

    public async Task<(ClientLog Resolving, ClientLog Pinned)> ReadAsync(CancellationToken cancellationToken) =>
        (await ClientLog.ReadAsync(Logs[0], cancellationToken), await ClientLog.ReadAsync(Logs[1], cancellationToken));

    public ValueTask DisposeAsync() => new(StopAsync());

    private async Task WaitAsync(string log, Func<ImmutableArray<ClientWrite>, bool> enough, string what, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            while (!enough((await ClientLog.ReadAsync(log, patience.Token)).Writes))
            {
                foreach (var process in _processes)
                    if (process.HasExited)
                        throw new RelocateException($"a client of the demo ended: {process.LastError ?? "without a word"}", ExitCode.OurError);
                await Task.Delay(TimeSpan.FromMilliseconds(20), patience.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RelocateException($"{log}: the client did not {what} within {Patience.TotalSeconds:0} s; run again with --keep to look into it", ExitCode.OurError);
        }
    }
}
