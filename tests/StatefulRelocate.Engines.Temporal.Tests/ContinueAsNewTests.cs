using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.Engines.Temporal.Tests.Rig;
using StatefulRelocate.Engines.Tests.Rig;

namespace StatefulRelocate.Engines.Temporal.Tests;

/// <summary>A long pre-copy continues as new between two rounds, with all that it knows.</summary>
public sealed class ContinueAsNewTests(SharedServer server)
{
    [Fact]
    public async Task After_every_round_a_new_run_goes_on_and_signals_that_come_meanwhile_count_once()
    {
        await using var rig = new TemporalRig(server.Client);
        Shrinking(rig, rounds: 4);
        var said = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.A.Deeds["quiesce"] = async (_, cancelled) =>
        {
            await said.Task.WaitAsync(cancelled);
            return new StepOutput();
        };
        var plan = rig.Mine(Plans.Short().WithGate());
        var handle = await rig.StartAsync(new RelocationInput { Plan = plan, ContinueAfter = 1 });
        var current = rig.Client.GetWorkflowHandle(plan.RelocationId);
        // Each under its own id, some with every step of the rounds, whichever run they meet. Not without end: the server ends no run while signals keep coming.
        var sent = 0;
        for (var steps = 0; !rig.Effects.Names().Contains("quiesce"); steps++)
        {
            await Poll.UntilAsync(() => rig.Effects.Count > steps, "the next step begins");
            for (var burst = 0; burst < 5; burst++, sent++)
                await current.SignalAsync(TemporalNames.Approve, [new SignalInput { Id = $"approve-{sent}", By = "me" }]);
        }

        said.SetResult();

        var result = await current.GetResultAsync<RelocationResult>().Soon();
        Assert.Equal(RelocationOutcome.Completed, result.Outcome);
        var state = await rig.StateAsync(current, plan);
        Assert.Equal(Enumerable.Range(0, sent).Select(number => $"approve-{number}").Order(StringComparer.Ordinal), state.Signals.Select(answer => answer.SignalId).Order(StringComparer.Ordinal));
        Assert.Equal(7, state.Epoch);
        Assert.Contains("snapshot-4", rig.Effects.Names());
        Assert.Equal(rig.Effects.Names().Distinct().Count(), rig.Effects.Count);
        var runs = rig.Effects.Select(request => request.Run).Distinct().Count();
        Assert.True(runs >= 3, $"only {runs} runs acted");
        Assert.NotEqual(handle.ResultRunId, (await current.DescribeAsync()).RunId);
    }

    [Fact]
    public async Task Nothing_is_continued_inside_the_cutover()
    {
        await using var rig = new TemporalRig(server.Client);
        var plan = rig.Mine(Plans.Short());
        await rig.StartAsync(new RelocationInput { Plan = plan, ContinueAfter = 1 });
        Assert.Equal(RelocationOutcome.Completed, (await rig.Client.GetWorkflowHandle(plan.RelocationId).GetResultAsync<RelocationResult>().Soon()).Outcome);
        Assert.Single(rig.Effects.SkipWhile(request => request.Step != "quiesce").Select(request => request.Run).Distinct());
    }

    /// <summary>Rounds that take longer than the budget, and ship half of the round before, until the last.</summary>
    private static void Shrinking(TemporalRig rig, int rounds)
    {
        for (var round = 1; round <= rounds; round++)
        {
            var duration = round == rounds ? TimeSpan.FromMilliseconds(1) : TimeSpan.FromSeconds(5);
            var shipped = 1_000_000L >> round;
            foreach (var (agent, step) in new[] { (rig.A, $"snapshot-{round}"), (rig.B, $"restore-{round}") })
                agent.Deeds[step] = (_, _) => Task.FromResult(new StepOutput { Figures = new RoundFigures { BytesShipped = shipped, Duration = duration } });
        }
    }
}
