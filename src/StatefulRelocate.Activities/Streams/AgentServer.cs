using System.Net.Sockets;
using System.Text.Json;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Activities.Streams;

/// <summary>
/// The agent's side of the protocol: hosts the activities behind the effect journal, and answers calls. A connection that drops stops
/// nothing: the activity goes on to its end and its output is recorded.
/// </summary>
public sealed class AgentServer : IDisposable
{
    private static readonly TimeSpan AcceptAgain = TimeSpan.FromMilliseconds(50);

    private readonly UnixListener? _listener;
    private readonly Dictionary<string, IActivity> _activities;
    private readonly EffectJournal _journal;
    private readonly IReadOnlyDictionary<string, Func<JsonElement, CancellationToken, Task<JsonElement>>> _calls;
    private readonly AgentCrash? _crash;

    /// <summary>Listens on a Unix socket of mode 0600, from now on.</summary>
    /// <param name="socketPath">The socket; its directory exists.</param>
    /// <param name="activities">One for each kind.</param>
    /// <param name="journal">The order of effects.</param>
    /// <param name="calls">What can be asked beside the activities, by method.</param>
    /// <exception cref="IOException">The socket cannot be made.</exception>
    public AgentServer(
        string socketPath,
        IReadOnlyList<IActivity> activities,
        EffectJournal journal,
        IReadOnlyDictionary<string, Func<JsonElement, CancellationToken, Task<JsonElement>>> calls)
        : this(activities, journal, calls)
    {
        _listener = UnixSockets.Listen(socketPath);
        _crash = AgentCrash.FromEnvironment(Path.GetDirectoryName(socketPath)!);
    }

    /// <summary>Listens nowhere; streams are handed in with <see cref="ServeAsync"/>.</summary>
    public AgentServer(
        IReadOnlyList<IActivity> activities,
        EffectJournal journal,
        IReadOnlyDictionary<string, Func<JsonElement, CancellationToken, Task<JsonElement>>> calls)
    {
        _activities = activities.ToDictionary(activity => activity.Kind, StringComparer.Ordinal);
        _journal = journal;
        _calls = calls;
    }

    /// <summary>Accepts connections until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var listener = _listener ?? throw new InvalidOperationException("this agent listens nowhere");
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var stream = await listener.AcceptAsync(cancellationToken).ConfigureAwait(false);
                _ = Task.Run(() => ServeAsync(stream, cancellationToken), CancellationToken.None);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // Out of descriptors, or gone before it was accepted: neither may end the agent.
                await Task.Delay(AcceptAgain, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Serves one connection to its end. Never throws: what the other side did wrong is told to it, in one line.</summary>
    public async Task ServeAsync(Stream stream, CancellationToken cancellationToken)
    {
        var lines = new JsonLines(stream);
        await using var _ = lines.ConfigureAwait(false);
        await new AgentConnection(lines, this).RunAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => _listener?.Dispose();

    internal Task<StepOutput> RunActivityAsync(ActivityRequest request, Action<ActivityProgress> heartbeat, CancellationToken cancellationToken) =>
        request.Fused.IsDefaultOrEmpty
            ? RunKindAsync(request, heartbeat, cancellationToken)
            : FusedSteps.RunAsync(request, part => RunKindAsync(part, heartbeat, cancellationToken));

    private Task<StepOutput> RunKindAsync(ActivityRequest request, Action<ActivityProgress> heartbeat, CancellationToken cancellationToken)
    {
        if (!_activities.TryGetValue(request.Kind, out var activity))
            throw new ActivityException("unknown-kind", $"the agent of {request.Cluster} knows no step of kind '{request.Kind}'; is it older than the engine?", retryable: false);
        return _journal.RunAsync(request, async token =>
        {
            var context = new ActivityContext(request, heartbeat);
            var output = request.Direction == StepDirection.Do
                ? await activity.DoAsync(context, token).ConfigureAwait(false)
                : await activity.UndoAsync(context, token).ConfigureAwait(false);
            _crash?.AfterEffect(request);
            return output.TakenOver is { } found ? output with { TakenOver = Recalling(request, found) } : output;
        }, cancellationToken);
    }

    private TakenOver Recalling(ActivityRequest request, TakenOver found)
    {
        var (sequence, outputs) = _journal.Recall(request.Spec.App, request.RelocationId);
        return found with { Sequence = sequence, Outputs = outputs };
    }

    internal Task<JsonElement> CallAsync(string method, JsonElement body, CancellationToken cancellationToken) =>
        _calls.TryGetValue(method, out var call)
            ? call(body, cancellationToken)
            : throw new ActivityException("unknown-call", $"the agent knows no call '{method}'; is it older than this program?", retryable: false);
}
