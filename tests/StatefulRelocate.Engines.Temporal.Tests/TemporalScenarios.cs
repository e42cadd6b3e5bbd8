using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.Engines.Temporal.Tests.Rig;
using StatefulRelocate.Engines.Tests.Rig;
using StatefulRelocate.Engines.Tests.Scenarios;
using Temporalio.Client;

namespace StatefulRelocate.Engines.Temporal.Tests;

/// <summary>The scenarios on Temporal, with a real server and real workers.</summary>
public sealed class TemporalScenarios(SharedServer server) : EngineScenarios
{
    protected override Task<IScenarioRig> RigAsync() => Task.FromResult<IScenarioRig>(new Scenario(new TemporalRig(server.Client, start: false)));

    private sealed class Scenario(TemporalRig rig) : IScenarioRig
    {
        private RelocationPlan? _plan;
        private WorkflowHandle? _handle;
        private Func<Task> _stop = static () => Task.CompletedTask;

        public ImmutableArray<ActivityRequest> Effects => [.. rig.Effects];

        public async Task StartAsync(RelocationPlan plan)
        {
            _plan = rig.Mine(plan);
            _stop = rig.StartServer();
            rig.StartAgents();
            _handle = await rig.StartAsync(new RelocationInput { Plan = _plan });
        }

        public void On(string step, Func<ActivityRequest, CancellationToken, Task<StepOutput?>> deed)
        {
            foreach (var agent in (ScriptedAgent[])[rig.A, rig.B])
                agent.Deeds[step] = async (context, cancelled) => await deed(context.Request, cancelled) ?? Plans.OutputOf(context.Request);
        }

        public async Task<(bool Accepted, string Answer)> SayAsync(Signal signal)
        {
            var input = new SignalInput { By = (signal as Approve)?.By, Reason = (signal as Abort)?.Reason };
            var reply = await _handle!.ExecuteUpdateAsync<SignalReply>(signal.GetType().Name.ToLowerInvariant(), [input]);
            return (reply.Accepted, reply.Answer);
        }

        public Task<SagaState> StateAsync() => rig.StateAsync(_handle!, _plan!);

        public async Task RestartEngineAsync()
        {
            await _stop();
            _stop = rig.StartServer();
        }

        public ValueTask DisposeAsync() => rig.DisposeAsync();
    }
}
