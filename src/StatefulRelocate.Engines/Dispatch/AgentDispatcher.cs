using System.Collections.Concurrent;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Engines;

/// <summary>Reaches each cluster's agent over one warm connection, made again when it broke.</summary>
public sealed class AgentDispatcher : IActivityDispatcher, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, AgentLine> _lines = new(StringComparer.Ordinal);
    private readonly Func<string, CancellationToken, Task<AgentClient>> _connect;

    /// <summary>Makes one.</summary>
    /// <param name="connect">Connects to the agent of a cluster; throws <see cref="AgentUnreachableException"/>.</param>
    public AgentDispatcher(Func<string, CancellationToken, Task<AgentClient>> connect) => _connect = connect;

    /// <summary>Reaches agents by their sockets.</summary>
    /// <param name="socketPath">The socket of a cluster's agent.</param>
    public static AgentDispatcher OverSockets(Func<string, string> socketPath) =>
        new((cluster, cancellationToken) => AgentClient.ConnectAsync(socketPath(cluster), cancellationToken));

    /// <inheritdoc/>
    public async Task<StepOutput> RunAsync(ActivityRequest request, Action<ActivityProgress> heartbeat, CancellationToken cancellationToken)
    {
        var line = _lines.GetOrAdd(request.Cluster, static (cluster, connect) => new AgentLine(token => connect(cluster, token)), _connect);
        AgentClient client;
        try
        {
            client = await line.ConnectAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException error)
        {
            throw new AgentUnreachableException($"{request.Step} was cancelled before the agent of {request.Cluster} heard of it", sent: false, error);
        }

        return await client.RunAsync(request, heartbeat, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var line in _lines.Values)
            await line.DisposeAsync().ConfigureAwait(false);
    }
}
