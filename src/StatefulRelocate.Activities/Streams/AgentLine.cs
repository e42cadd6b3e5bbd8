namespace StatefulRelocate.Activities.Streams;

/// <summary>One warm connection to an agent, made again when it broke.</summary>
public sealed class AgentLine : IAsyncDisposable
{
    private readonly SemaphoreSlim _connecting = new(1, 1);
    private readonly Func<CancellationToken, Task<AgentClient>> _connect;
    private AgentClient? _client;

    /// <summary>Makes one; nothing is connected yet.</summary>
    /// <param name="connect">Connects; throws <see cref="AgentUnreachableException"/>.</param>
    public AgentLine(Func<CancellationToken, Task<AgentClient>> connect) => _connect = connect;

    /// <summary>The connection that stands, or a new one.</summary>
    /// <exception cref="AgentUnreachableException">Nobody answers there.</exception>
    public async Task<AgentClient> ConnectAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _client) is { IsConnected: true } warm)
            return warm;
        await _connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_client is { IsConnected: true } other)
                return other;
            if (_client is not null)
                await _client.DisposeAsync().ConfigureAwait(false);
            _client = null;
            var client = await _connect(cancellationToken).ConfigureAwait(false);
            Volatile.Write(ref _client, client);
            return client;
        }
        finally
        {
            _connecting.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
            await _client.DisposeAsync().ConfigureAwait(false);
        _connecting.Dispose();
    }
}
