using StatefulRelocate.Activities;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Engines.Tests.Rig;

namespace StatefulRelocate.Benchmarks.Temporal.Workloads;

/// <summary>An agent on a real socket behind a real effect journal, whose activities do nothing.</summary>
internal sealed class NoOpAgent : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly EffectJournal _journal;
    private readonly AgentServer _server;
    private readonly Task _running;

    public NoOpAgent()
    {
        Socket = _directory.File("agent.sock");
        _journal = new EffectJournal(new DirectoryCluster(_directory.Path));
        _server = new AgentServer(Socket, [new NoOp(NoOpPlan.Kind(recorded: false)), new NoOp(NoOpPlan.Kind(recorded: true))], _journal, new Dictionary<string, Func<System.Text.Json.JsonElement, CancellationToken, Task<System.Text.Json.JsonElement>>>());
        _running = _server.RunAsync(_stopping.Token);
    }

    public string Socket { get; }

    public Task<AgentClient> ConnectAsync(CancellationToken cancellationToken) => AgentClient.ConnectAsync(Socket, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _server.Dispose();
        _journal.Dispose();
        _stopping.Dispose();
        _directory.Dispose();
    }

    private sealed class NoOp(string kind) : IActivity
    {
        public string Kind => kind;

        public Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken) => Task.FromResult(new StepOutput());

        public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => Task.FromResult(new StepOutput());
    }
}
