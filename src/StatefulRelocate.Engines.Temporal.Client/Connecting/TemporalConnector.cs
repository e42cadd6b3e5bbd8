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

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    /// <summary>Connects, once, and sees that the namespace is there. Takes 5 seconds at most where nobody answers.</summary>
    /// <param name="settings">Where to.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RelocateException">One line says what is wrong and what to do.</exception>
    public static async Task<ITemporalClient> ConnectAsync(ConnectionSettings settings, CancellationToken cancellationToken)
    {
        var options = settings.ToOptions();
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

    /// <summary>Connects for a program that has nothing else to do: tries again for as long as it takes, whatever the server says.</summary>
    /// <param name="settings">Where to.</param>
    /// <param name="log">Is told why it does not connect, whenever that changes, and when it does.</param>
    /// <param name="time">The clock of the waits.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RelocateException">A certificate or key of the settings cannot be read.</exception>
    public static async Task<ITemporalClient> ConnectPatientlyAsync(ConnectionSettings settings, Action<string> log, TimeProvider time, CancellationToken cancellationToken)
    {
        string? said = null;
        settings.ToOptions();
        for (var wait = TimeSpan.FromMilliseconds(200); ; wait = wait * 2 < LongestWait ? wait * 2 : LongestWait)
        {
            try
            {
                var client = await ConnectAsync(settings, cancellationToken).ConfigureAwait(false);
                if (said is not null)
                    log($"Temporal server {settings.Address}: connected");
                return client;
            }
            catch (RelocateException error)
            {
                if (said != error.Message)
                    log($"{said = error.Message} (trying again)");
            }

            await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task CheckNamespaceAsync(TemporalClient client, ConnectionSettings settings, CancellationToken cancellationToken)
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

    private static async Task<string> HintAsync(TemporalClient client, RpcOptions rpc)
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
