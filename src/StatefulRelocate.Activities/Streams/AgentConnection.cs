using System.Collections.Concurrent;
using System.Text.Json;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Dns;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Activities.Streams;

/// <summary>One connection to an agent: reads requests, runs each beside the others, answers.</summary>
internal sealed class AgentConnection(JsonLines lines, AgentServer server)
{
    private static readonly TimeSpan HostBeat = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LeastBetweenBeats = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<long, CancellationTokenSource> _running = new();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await lines.ReadAsync(cancellationToken).ConfigureAwait(false) is { } message)
                Take(message, cancellationToken);
        }
        catch (StreamProtocolException error)
        {
            await TrySendAsync(new StreamMessage { Type = StreamMessageType.Error, Failure = new StepFailure { Code = "protocol", Message = error.Message } }).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The other side went away, or this process ends; what runs goes on to its end either way.
        }
    }

    private void Take(StreamMessage message, CancellationToken stopping)
    {
        switch (message)
        {
            case { Type: StreamMessageType.Request, Request: { } request }:
                if (request.Spec is null || request.RelocationId is null || request.Step is null || request.Kind is null)
                    throw new StreamProtocolException("a request lacks its relocation, step or spec");
                // Not tied to the connection or to this process's end: an effect is cut short only by what is newer, or by its sender's word.
                var cancel = new CancellationTokenSource();
                if (!_running.TryAdd(message.Id, cancel))
                    throw new StreamProtocolException($"the id {message.Id} is in use on this connection");
                _ = Task.Run(() => RunActivityAsync(message.Id, request, cancel), CancellationToken.None);
                break;
            case { Type: StreamMessageType.Cancel }:
                if (_running.TryGetValue(message.Id, out var running))
                    _ = running.CancelAsync();
                break;
            case { Type: StreamMessageType.Call, Method: { } method }:
                _ = Task.Run(() => CallAsync(message, method, stopping), CancellationToken.None);
                break;
            default:
                throw new StreamProtocolException($"an agent takes no message of type '{message.Type}' in this form");
        }
    }

    private async Task RunActivityAsync(long id, ActivityRequest request, CancellationTokenSource cancel)
    {
        StreamMessage answer;
        try
        {
            using var beats = new Beats(this, id);
            var output = await server.RunActivityAsync(request, beats.Report, cancel.Token).ConfigureAwait(false);
            answer = new StreamMessage { Type = StreamMessageType.Result, Id = id, Output = output };
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            answer = new StreamMessage { Type = StreamMessageType.Failure, Id = id, Failure = FailureOf(error, request.Step) };
        }

        await TrySendAsync(answer).ConfigureAwait(false);
        // Kept alive while a cancel may still look it up.
        _running.TryRemove(id, out _);
    }

    private async Task CallAsync(StreamMessage message, string method, CancellationToken stopping)
    {
        StreamMessage answer;
        try
        {
            var body = await server.CallAsync(method, message.Body ?? default, stopping).ConfigureAwait(false);
            answer = new StreamMessage { Type = StreamMessageType.Answer, Id = message.Id, Body = body.ValueKind == JsonValueKind.Undefined ? null : body };
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            answer = new StreamMessage { Type = StreamMessageType.Failure, Id = message.Id, Failure = FailureOf(error, method) };
        }

        await TrySendAsync(answer).ConfigureAwait(false);
    }

    private async Task TrySendAsync(StreamMessage message)
    {
        try
        {
            await lines.WriteAsync(message, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or StreamProtocolException)
        {
            // Nobody reads any more; the record in the effect journal is the answer to whoever asks again.
        }
    }

    private static StepFailure FailureOf(Exception error, string what) => error switch
    {
        ActivityException known => known.Failure,
        ClusterException cluster => new StepFailure { Code = cluster.Code, Message = OneLine(cluster), Retryable = cluster.Retryable },
        DnsException dns => new StepFailure { Code = dns.Unanswered ? "dns-unanswered" : "dns-refused", Message = OneLine(dns) },
        ObjectStoreException store => new StepFailure { Code = "unreachable", Message = OneLine(store) },
        RelocateException input => new StepFailure { Code = "bad-input", Message = OneLine(input), Retryable = false },
        OperationCanceledException => new StepFailure { Code = "cancelled", Message = $"{what} was cancelled", Retryable = false },
        IOException or UnauthorizedAccessException => new StepFailure { Code = "io", Message = $"{what}: {OneLine(error)}" },
        _ => new StepFailure { Code = "internal", Message = $"{what}: {error.GetType().Name}: {OneLine(error)}" },
    };

    private static string OneLine(Exception error) => error.Message.ReplaceLineEndings(" ");

    /// <summary>Heartbeats of one activity: the host's own beat, and the activity's progress as often as a bar can use it.</summary>
    private sealed class Beats : IDisposable
    {
        private readonly AgentConnection _connection;
        private readonly long _id;
        private readonly Timer _timer;
        private volatile ActivityProgress _last = new();
        private long _sentAt = Environment.TickCount64;

        public Beats(AgentConnection connection, long id)
        {
            (_connection, _id) = (connection, id);
            _timer = new Timer(static beats => ((Beats)beats!).Send(), this, HostBeat, HostBeat);
        }

        public void Report(ActivityProgress progress)
        {
            _last = progress;
            var sentAt = Volatile.Read(ref _sentAt);
            var now = Environment.TickCount64;
            if (now - sentAt >= LeastBetweenBeats.TotalMilliseconds && Interlocked.CompareExchange(ref _sentAt, now, sentAt) == sentAt)
                Send();
        }

        public void Dispose() => _timer.Dispose();

        // One that overtakes the result is for an id that the client has forgotten, and is dropped there.
        private void Send() => _ = _connection.TrySendAsync(new StreamMessage { Type = StreamMessageType.Heartbeat, Id = _id, Progress = _last });
    }
}
