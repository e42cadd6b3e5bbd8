using System.Collections.Concurrent;
using System.Text.Json;
using StatefulRelocate.Activities;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Engines.Tests.Rig;

/// <summary>What an activity of a scripted agent does.</summary>
internal delegate Task<StepOutput> Deed(ActivityContext context, CancellationToken cancellationToken);

/// <summary>A real agent server on a real socket, whose activities do what the test says; without a word they succeed at once.</summary>
internal sealed class ScriptedAgent : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly EffectJournal _journal;
    private readonly AgentServer _server;
    private readonly Task _running;

    public ScriptedAgent(string directory, ConcurrentQueue<ActivityRequest>? effects = null)
    {
        Directory.CreateDirectory(directory);
        Effects = effects ?? [];
        Socket = Path.Combine(directory, "agent.sock");
        _journal = new EffectJournal(new DirectoryCluster(directory));
        _server = new AgentServer(Socket, [.. StepKind.All.Add(StepKind.TakeOver).Select(kind => new ScriptedActivity(this, kind))], _journal, Calls);
        _running = _server.RunAsync(_stopping.Token);
    }

    public string Socket { get; }

    /// <summary>The effects that began, in order.</summary>
    public ConcurrentQueue<ActivityRequest> Effects { get; }

    /// <summary>Called at each effect, before it.</summary>
    public Action<ActivityRequest>? Noted { get; set; }

    /// <summary>By <c>start</c> or <c>undo start</c>.</summary>
    public ConcurrentDictionary<string, Deed> Deeds { get; } = [];

    public Dictionary<string, Func<JsonElement, CancellationToken, Task<JsonElement>>> Calls { get; } = [];

    public Task<AgentClient> ConnectAsync() => AgentClient.ConnectAsync(Socket, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _server.Dispose();
        _journal.Dispose();
        _stopping.Dispose();
    }

    private Task<StepOutput> ActAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        Effects.Enqueue(context.Request);
        Noted?.Invoke(context.Request);
        return Deeds.TryGetValue(context.Request.Name(), out var deed) ? deed(context, cancellationToken) : Task.FromResult(Plans.OutputOf(context.Request));
    }

    private sealed class ScriptedActivity(ScriptedAgent agent, string kind) : IActivity
    {
        public string Kind => kind;

        public Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken) => agent.ActAsync(context, cancellationToken);

        public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => agent.ActAsync(context, cancellationToken);
    }
}
