using StatefulRelocate.Core.Errors;
using Temporalio.Api.WorkflowService.V1;
using Temporalio.Client;
using Temporalio.Exceptions;

namespace StatefulRelocate.Engines.Temporal.Client.Connecting;

/// <summary>Connects to a Temporal server, or says in one line why not.</summary>
public static class TemporalConnector
{
    /// <summary>A server that is there answers within milliseconds; a packet that is dropped on the way is never answered.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Connects, once, and sees that the namespace is there. Takes 5 seconds at most where nobody answers.</summary>
    /// <param name="settings">Where to.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RelocateException">One line says what is wrong and what to do.</exception>
    public static Task<ITemporalClient> ConnectAsync(ConnectionSettings settings, CancellationToken cancellationToken) => ConnectAsync(settings, static _ => { }, cancellationToken);

    /// <summary>Connects, once, and sees that the namespace is there. Takes 5 seconds at most where nobody answers.</summary>
    /// <param name="settings">Where to.</param>
    /// <param name="configure">Adds what a program sets beside the settings: its runtime, its interceptors.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RelocateException">One line says what is wrong and what to do.</exception>
    public static async Task<ITemporalClient> ConnectAsync(ConnectionSettings settings, Action<TemporalClientConnectOptions> configure, CancellationToken cancellationToken)
    {
        var options = settings.ToOptions();
        configure(options);
        try
        {
            var client = await TemporalClient.ConnectAsync(options).WaitAsync(Patience, cancellationToken).ConfigureAwait(false);
            await CheckNamespaceAsync(client, settings, cancellationToken).ConfigureAwait(false);
            return client;
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException or TimeoutException or RpcException)
        {
            throw ConnectError.Describe(settings, error);
        }
    }

    /// <summary>Sees that a server to which a client was connected is still there, with the namespace. Takes 5 seconds at most where nobody answers.</summary>
    /// <param name="client">The client.</param>
    /// <param name="settings">Where it was connected to.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RelocateException">One line says what is wrong and what to do.</exception>
    public static async Task CheckAsync(ITemporalClient client, ConnectionSettings settings, CancellationToken cancellationToken)
    {
        try
        {
            await CheckNamespaceAsync(client, settings, cancellationToken).WaitAsync(Patience, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is InvalidOperationException or TimeoutException or RpcException)
        {
            throw ConnectError.Describe(settings, error);
        }
    }

    private static async Task CheckNamespaceAsync(ITemporalClient client, ConnectionSettings settings, CancellationToken cancellationToken)
    {
        var rpc = new RpcOptions { CancellationToken = cancellationToken, Timeout = Patience };
        try
        {
            await client.WorkflowService.DescribeNamespaceAsync(new DescribeNamespaceRequest { Namespace = settings.Namespace }, rpc).ConfigureAwait(false);
        }
        catch (RpcException error) when (error.Code == RpcException.StatusCode.NotFound)
        {
            throw new RelocateException($"Temporal server {settings.Address}: there is no namespace '{settings.Namespace}' (TEMPORAL_NAMESPACE){await HintAsync(client, rpc).ConfigureAwait(false)}", inner: error);
        }
    }

    private static async Task<string> HintAsync(ITemporalClient client, RpcOptions rpc)
    {
        try
        {
            var all = await client.WorkflowService.ListNamespacesAsync(new ListNamespacesRequest { PageSize = 20 }, rpc).ConfigureAwait(false);
            return $"; it has: {string.Join(", ", all.Namespaces.Select(each => each.NamespaceInfo.Name).Where(name => name != "temporal-system"))}";
        }
        catch (RpcException)
        {
            // Not everybody may list them.
            return "";
        }
    }
}
