using Temporalio.Api.WorkflowService.V1;
using Temporalio.Client;
using Temporalio.Exceptions;

namespace StatefulRelocate.Hosting.Presences;

/// <summary>Whether a Temporal server is there, with the namespace.</summary>
internal static class TemporalPresence
{
    /// <summary>Connects when asked for the first time, and asks for the namespace from then on.</summary>
    public static Presence Of(TemporalClient client) => new($"Temporal at {client.Connection.Options.TargetHost}", async cancellationToken =>
    {
        var name = client.Options.Namespace;
        try
        {
            await client.Connection.ConnectAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            await client.Connection.WorkflowService.DescribeNamespaceAsync(
                new DescribeNamespaceRequest { Namespace = name }, new RpcOptions { Retry = false, CancellationToken = cancellationToken }).ConfigureAwait(false);
            return null;
        }
        catch (RpcException error) when (error.Code == RpcException.StatusCode.NotFound)
        {
            return $"it has no namespace '{name}'; make it with 'temporal operator namespace create {name}', or set TEMPORAL_NAMESPACE";
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException)
        {
            return error.Message.ReplaceLineEndings(" ");
        }
    });
}
