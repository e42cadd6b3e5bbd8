using System.Collections.Immutable;
using System.Text.Json;
using StatefulRelocate.Activities;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Cli.Clusters;

/// <summary>What this program asks of a cluster's agent.</summary>
internal static class ClusterCalls
{
    /// <summary>Asks the agent, or says in one line that the cluster is not up.</summary>
    /// <exception cref="RelocateException">It is not up, or it answered with a failure.</exception>
    public static async Task<JsonElement> CallAsync(this ClusterEntry cluster, string method, JsonElement body, CancellationToken cancellationToken)
    {
        try
        {
            await using var client = await AgentClient.ConnectAsync(cluster.Socket, cancellationToken);
            return await client.CallAsync(method, body, cancellationToken);
        }
        catch (AgentUnreachableException error)
        {
            throw new RelocateException($"cluster '{cluster.Name}' is not up; start it with 'relocate cluster up {cluster.Name}'", inner: error);
        }
        catch (ActivityException error)
        {
            var code = error.Failure.Code == "internal" ? ExitCode.OurError : ExitCode.BadInput;
            throw new RelocateException($"cluster '{cluster.Name}': {error.Failure.Message}", code, error);
        }
    }

    /// <summary>Where the volumes of an app lie on it.</summary>
    /// <exception cref="RelocateException">It is not up, or does not know the app.</exception>
    public static async Task<ImmutableArray<string>> VolumesAsync(this ClusterEntry cluster, string app, CancellationToken cancellationToken)
    {
        var description = (await cluster.CallAsync(AgentCalls.Describe, default, cancellationToken)).Deserialize(AgentCallsJson.Default.ClusterDescription);
        return description?.Apps.FirstOrDefault(each => each.Name == app)?.Volumes ?? throw new RelocateException($"cluster '{cluster.Name}' does not know the app '{app}'");
    }

    /// <summary>Whether its agent answers.</summary>
    public static async Task<bool> IsUpAsync(this ClusterEntry cluster, CancellationToken cancellationToken)
    {
        try
        {
            await using var client = await AgentClient.ConnectAsync(cluster.Socket, cancellationToken);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(TimeSpan.FromSeconds(5));
            await client.CallAsync(AgentCalls.Describe, default, limit.Token);
            return true;
        }
        catch (Exception error) when (error is AgentUnreachableException or ActivityException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
