using System.Collections.Concurrent;
using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Tests.Rig;
using StatefulRelocate.Engines.Tests.Scenarios;

namespace StatefulRelocate.Engines.Tests;

/// <summary>The scenarios on the embedded engine.</summary>
public sealed class EmbeddedScenarios : EngineScenarios
{
    protected override Task<IScenarioRig> RigAsync() => Task.FromResult<IScenarioRig>(new EmbeddedRig());

    private sealed class EmbeddedRig : IScenarioRig
    {
        private readonly EngineRig _rig = new();
        private readonly TemporaryDirectory _directory = new();
        private readonly ConcurrentQueue<ActivityRequest> _effects = [];
        private readonly Dictionary<string, ScriptedAgent> _agents;
        private Func<Task> _stop = static () => Task.CompletedTask;
        private AgentDispatcher? _dispatcher;
        private string _id = "";

        public EmbeddedRig() => _agents = new[] { "a", "b" }.ToDictionary(name => name, name => new ScriptedAgent(_directory.File(name), _effects), StringComparer.Ordinal);

        public ImmutableArray<ActivityRequest> Effects => [.. _effects];

        public Task StartAsync(RelocationPlan plan)
        {
            _id = plan.RelocationId;
            _rig.Journal.Create(plan);
            StartEngine();
            return Task.CompletedTask;
        }

        public void On(string step, Func<ActivityRequest, CancellationToken, Task<StepOutput?>> deed)
        {
            foreach (var agent in _agents.Values)
                agent.Deeds[step] = async (context, cancelled) => await deed(context.Request, cancelled) ?? Plans.OutputOf(context.Request);
        }

        public Task<(bool Accepted, string Answer)> SayAsync(Signal signal)
        {
            var id = _rig.Journal.Signal(_id, signal);
            var answer = _rig.State(_id).Answer(id)!;
            return Task.FromResult((answer.Accepted, answer.Answer));
        }

        public Task<SagaState> StateAsync() => Task.FromResult(_rig.State(_id));

        public async Task RestartEngineAsync()
        {
            await _stop();
            await _dispatcher!.DisposeAsync();
            StartEngine();
        }

        public async ValueTask DisposeAsync()
        {
            await _rig.DisposeAsync();
            if (_dispatcher is not null)
                await _dispatcher.DisposeAsync();
            foreach (var agent in _agents.Values)
                await agent.DisposeAsync();
            _directory.Dispose();
        }

        private void StartEngine()
        {
            _dispatcher = AgentDispatcher.OverSockets(cluster => _agents[cluster].Socket);
            _stop = _rig.Start(_dispatcher);
        }
    }
}
