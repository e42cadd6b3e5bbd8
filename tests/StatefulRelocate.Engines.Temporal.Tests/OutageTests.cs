using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.Engines.Temporal.Client.Payloads;
using StatefulRelocate.Engines.Temporal.Tests.Rig;
using StatefulRelocate.Engines.Tests.Rig;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.Engines.Temporal.Tests;

/// <summary>What dies, and what goes on.</summary>
public sealed class OutageTests(SharedServer shared)
{
    [Fact]
    public async Task The_temporal_server_is_killed_while_a_step_runs_and_the_relocation_goes_on_when_it_is_back()
    {
        await using var server = await TemporalServer.TryStartAsync(new TemporalServerOptions { Durable = true }, TestContext.Current.CancellationToken);
        Assert.SkipWhen(server is null, TemporalServer.Missing);
        await using var rig = new TemporalRig(await server.ConnectAsync(RelocationPayloads.Converter()));
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.B.Deeds["restore-1"] = async (context, cancelled) =>
        {
            await held.Task.WaitAsync(cancelled);
            return Plans.OutputOf(context.Request);
        };
        var plan = rig.Mine(Plans.Short());
        var handle = await rig.StartAsync(new RelocationInput { Plan = plan });
        await Poll.UntilAsync(() => rig.Effects.Names().Contains("restore-1"), "restore-1 begins");

        await server.KillAsync();
        held.SetResult();
        await server.StartAgainAsync(TestContext.Current.CancellationToken);

        Assert.Equal(RelocationOutcome.Completed, (await handle.GetResultAsync<RelocationResult>().WaitAsync(TimeSpan.FromSeconds(90), TestContext.Current.CancellationToken)).Outcome);
    }

    [Fact]
    public async Task One_of_two_agents_of_a_cluster_stops_in_the_middle_of_a_step_and_the_other_finds_its_result()
    {
        await using var rig = new TemporalRig(shared.Client, start: false);
        rig.StartServer();
        rig.StartAgent("b", rig.B);
        var first = rig.StartAgent("a", rig.A);
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var times = 0;
        rig.A.Deeds["snapshot-1"] = async (context, cancelled) =>
        {
            Interlocked.Increment(ref times);
            await held.Task.WaitAsync(cancelled);
            return Plans.OutputOf(context.Request);
        };
        var handle = await rig.StartAsync(new RelocationInput { Plan = rig.Mine(Plans.Short()) });
        await Poll.UntilAsync(() => times > 0, "the snapshot begins");

        await first();
        rig.StartAgent("a", rig.A);
        await Poll.UntilAsync(() => times > 1 || held.Task.IsCompleted, "the other agent's attempt takes its place");
        held.SetResult();

        Assert.Equal(RelocationOutcome.Completed, (await handle.GetResultAsync<RelocationResult>().Soon()).Outcome);
    }

    [Fact]
    public async Task An_agent_that_nobody_started_is_named_and_everything_is_undone()
    {
        await using var rig = new TemporalRig(shared.Client, start: false);
        rig.StartServer();
        rig.StartAgent("a", rig.A);
        var plan = rig.Mine(Plans.Short().Changed("prepare-target", step => step with { ScheduleToStartTimeout = TimeSpan.FromMilliseconds(300) }));
        var handle = await rig.StartAsync(new RelocationInput { Plan = plan });

        await Poll.UntilAsync(() => handle.QueryAsync<RelocationStatus>(TemporalNames.StatusQuery, []).Result.Reason is { } reason && reason.Contains("is 'relocate-agent --cluster b' running", StringComparison.Ordinal), "the silent agent is named");
        rig.StartAgent("b", rig.B);
        await Assert.ThrowsAsync<Temporalio.Exceptions.WorkflowFailedException>(() => handle.GetResultAsync().Soon());
        Assert.Contains("undo lease", rig.Effects.Names());
    }

    [Fact]
    public async Task With_a_payload_key_the_server_stores_nothing_in_the_clear()
    {
        var codec = new AesGcmPayloadCodec([.. Enumerable.Range(0, 32).Select(number => (byte)number)]);
        await using var rig = new TemporalRig(await shared.Server.ConnectAsync(RelocationPayloads.Converter(codec)));
        var plan = rig.Mine(Plans.Short());
        rig.B.Deeds["start"] = static (_, _) => throw new Activities.ActivityException("broken", "the volume secret-volume is full", retryable: false);
        var handle = await rig.StartAsync(new RelocationInput { Plan = plan });
        var failure = await Assert.ThrowsAsync<Temporalio.Exceptions.WorkflowFailedException>(() => handle.GetResultAsync().Soon());
        Assert.Contains("secret-volume", failure.InnerException!.Message, StringComparison.Ordinal);

        var history = (await shared.Client.GetWorkflowHandle(plan.RelocationId).FetchHistoryAsync()).ToJson();
        foreach (var word in new[] { "secret-volume", "edge.test" })
        {
            Assert.DoesNotContain(word, history, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(word))[..12], history, StringComparison.Ordinal);
        }
    }
}
