using StatefulRelocate.Activities.Blackout;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Activities.Tests.Doubles;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Dns;
using StatefulRelocate.Snapshots;

namespace StatefulRelocate.Activities.Tests.Moves;

/// <summary>An agent as its process wires it: activities behind the effect journal, and the guard. A restart makes all of it anew.</summary>
internal sealed class TestAgent : IAgentEnvironment, IDisposable
{
    private readonly Repository _repository;
    private readonly IDnsDriver _dns;
    private AgentServer _server = null!;

    public TestAgent(ICluster cluster, Repository repository, IDnsDriver dns)
    {
        (Cluster, _repository, _dns) = (cluster, repository, dns);
        Restart();
    }

    public ICluster Cluster { get; }

    public TestBootClock Clock { get; } = new();

    public TimeProvider Time => TimeProvider.System;

    public EffectJournal Journal { get; private set; } = null!;

    public BlackoutGuard Guard { get; private set; } = null!;

    public void Restart()
    {
        Dispose();
        Journal = new EffectJournal(Cluster);
        _server = new AgentServer(ActivityCatalog.Create(this, Clock), Journal, new Dictionary<string, Func<System.Text.Json.JsonElement, CancellationToken, Task<System.Text.Json.JsonElement>>>());
        Guard = new BlackoutGuard(this, Journal, Clock);
    }

    public Task<StepOutput> RunAsync(ActivityRequest request)
        => _server.RunActivityAsync(request, _ => { }, TestContext.Current.CancellationToken);

    /// <summary>One turn of the guard for the app.</summary>
    public async Task GuardAsync(string app)
    {
        if (BlackoutDeadline.Read(Cluster, app) is { } deadline && deadline.IsExpired(Clock))
            await Guard.ActAsync(deadline, TestContext.Current.CancellationToken);
    }

    public Task<Repository> OpenRepositoryAsync(string name, CancellationToken cancellationToken) => Task.FromResult(_repository);

    public IDnsDriver OpenDns(string server) => _dns;

    public void Log(string line) => TestContext.Current.SendDiagnosticMessage(line);

    public void Dispose()
    {
        Journal?.Dispose();
        _server?.Dispose();
    }
}
