using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Activities.Streams;

/// <summary>One connection to an agent. Many activities and calls run on it at once.</summary>
public sealed class AgentClient : IAsyncDisposable
{
    private readonly JsonLines _lines;
    private readonly string _name;
    private readonly ConcurrentDictionary<long, Pending> _pending = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _reading;
    private volatile Exception? _broken;
    private long _lastId;

    /// <summary>Speaks the protocol over a stream, which it owns from then on.</summary>
    /// <param name="stream">A connected, full-duplex stream.</param>
    /// <param name="name">The agent's name, for messages.</param>
    public AgentClient(Stream stream, string name)
    {
        (_lines, _name) = (new JsonLines(stream), name);
        _reading = Task.Run(ReadAsync);
    }

    /// <summary>Whether the connection still stands, as far as is known.</summary>
    public bool IsConnected => _broken is null;

    /// <summary>Connects to the socket of an agent.</summary>
    /// <exception cref="AgentUnreachableException">Nobody listens there (nothing was sent).</exception>
    public static async Task<AgentClient> ConnectAsync(string socketPath, CancellationToken cancellationToken)
    {
        try
        {
            return new AgentClient(await UnixSockets.ConnectAsync(socketPath, cancellationToken).ConfigureAwait(false), socketPath);
        }
        catch (SocketException error)
        {
            throw new AgentUnreachableException($"{socketPath}: no agent answers: {error.Message}", sent: false, error);
        }
    }

    /// <summary>
    /// Runs an activity. Cancelling asks the agent to stop it; the task still ends with the agent's answer, or with the end of the
    /// connection: whoever cannot wait that long turns away from the task.
    /// </summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="heartbeat">Called at each heartbeat, on the reading thread.</param>
    /// <param name="cancellationToken">Asks the agent to stop.</param>
    /// <exception cref="ActivityException">The agent answered with a failure.</exception>
    /// <exception cref="AgentUnreachableException">The agent did not answer.</exception>
    public async Task<StepOutput> RunAsync(ActivityRequest request, Action<ActivityProgress> heartbeat, CancellationToken cancellationToken)
    {
        var (id, pending) = Register(heartbeat);
        try
        {
            await SendAsync(new StreamMessage { Type = StreamMessageType.Request, Id = id, Request = request }).ConfigureAwait(false);
            await using var registration = cancellationToken.Register(() => _ = TrySendAsync(new StreamMessage { Type = StreamMessageType.Cancel, Id = id })).ConfigureAwait(false);
            var answer = await pending.Answer.Task.ConfigureAwait(false);
            return answer.Output ?? throw new StreamProtocolException($"{_name}: a result without an output");
        }
        finally
        {
            _pending.TryRemove(id, out _);
        }
    }

    /// <summary>Asks a question beside the activities.</summary>
    /// <exception cref="ActivityException">The agent answered with a failure.</exception>
    /// <exception cref="AgentUnreachableException">The agent did not answer.</exception>
    public async Task<JsonElement> CallAsync(string method, JsonElement body, CancellationToken cancellationToken)
    {
        var (id, pending) = Register(null);
        try
        {
            await SendAsync(new StreamMessage { Type = StreamMessageType.Call, Id = id, Method = method, Body = body.ValueKind == JsonValueKind.Undefined ? null : body }).ConfigureAwait(false);
            var answer = await pending.Answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            return answer.Body ?? default;
        }
        finally
        {
            _pending.TryRemove(id, out _);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await _lines.DisposeAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
        _closing.Dispose();
    }

    private (long Id, Pending Pending) Register(Action<ActivityProgress>? heartbeat)
    {
        var id = Interlocked.Increment(ref _lastId);
        var pending = new Pending(heartbeat);
        _pending[id] = pending;
        if (_broken is { } broken)
        {
            _pending.TryRemove(id, out _);
            throw new AgentUnreachableException($"{_name}: the connection to the agent is closed", sent: false, broken);
        }

        return (id, pending);
    }

    private async Task SendAsync(StreamMessage message)
    {
        try
        {
            await _lines.WriteAsync(message, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            throw new AgentUnreachableException($"{_name}: the connection to the agent broke: {error.Message}", sent: true, error);
        }
    }

    private async Task TrySendAsync(StreamMessage message)
    {
        try
        {
            await _lines.WriteAsync(message, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The reader finds the end of the connection too, and says so to whoever waits.
        }
    }

    private async Task ReadAsync()
    {
        Exception end;
        try
        {
            while (await _lines.ReadAsync(_closing.Token).ConfigureAwait(false) is { } message)
                Deliver(message);
            end = new IOException("the agent closed the connection");
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // What a heartbeat's receiver throws counts too: nobody reads any more, so nobody may go on waiting.
            end = error;
        }

        _broken = end;
        foreach (var pending in _pending.Values)
            pending.Answer.TrySetException(new AgentUnreachableException($"{_name}: the agent did not answer: {end.Message}", sent: true, end));
    }

    private void Deliver(StreamMessage message)
    {
        if (message.Type == StreamMessageType.Error)
            throw new StreamProtocolException($"{_name}: the agent closed the connection: {message.Failure?.Message}");
        if (!_pending.TryGetValue(message.Id, out var pending))
            return;
        switch (message.Type)
        {
            case StreamMessageType.Heartbeat:
                pending.Heartbeat?.Invoke(message.Progress ?? new ActivityProgress());
                break;
            case StreamMessageType.Failure when message.Failure is { } failure:
                pending.Answer.TrySetException(new ActivityException(failure));
                break;
            case StreamMessageType.Result or StreamMessageType.Answer:
                pending.Answer.TrySetResult(message);
                break;
            default:
                throw new StreamProtocolException($"{_name}: the agent sent a message of type {message.Type} to its client");
        }
    }

    private sealed class Pending(Action<ActivityProgress>? heartbeat)
    {
        public Action<ActivityProgress>? Heartbeat { get; } = heartbeat;

        public TaskCompletionSource<StreamMessage> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
