using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.Engines.Temporal.Tests.Rig;
using StatefulRelocate.Engines.Tests.Rig;
using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Exceptions;

namespace StatefulRelocate.Engines.Temporal.Tests;

/// <summary>What people say to a workflow, and when.</summary>
public sealed class SignalTests(SharedServer server)
{
    [Fact]
    public async Task An_abort_that_comes_with_the_start_counts()
    {
        await using var rig = new TemporalRig(server.Client);
        var plan = rig.Mine(Plans.Short());
        var handle = await rig.Client.StartWorkflowAsync(TemporalNames.Workflow, [new RelocationInput { Plan = plan }], new WorkflowOptions(plan.RelocationId, rig.Queue)
        {
            StartSignal = TemporalNames.Abort,
            StartSignalArgs = [new SignalInput { Reason = "never mind" }],
        });

        Assert.Equal((RelocationOutcome.Aborted, "never mind"), await ResultAsync(handle));
        Assert.Empty(rig.Effects);
    }

    [Fact]
    public async Task A_signal_that_is_sent_twice_under_one_id_counts_once()
    {
        await using var rig = new TemporalRig(server.Client);
        var held = new TaskCompletionSource();
        rig.A.Deeds["lease"] = async (context, cancelled) =>
        {
            await held.Task.WaitAsync(cancelled);
            return Plans.OutputOf(context.Request);
        };
        var plan = rig.Mine(Plans.Short());
        var handle = await rig.StartAsync(new RelocationInput { Plan = plan });

        foreach (var _ in new[] { 1, 2 })
            await handle.SignalAsync(TemporalNames.Pause, [new SignalInput { Id = "night-1" }]);
        await handle.SignalAsync(TemporalNames.Resume, [new SignalInput { Id = "night-2" }]);
        await handle.SignalAsync(TemporalNames.Pause, [new SignalInput { Id = "night-1" }]);
        held.SetResult();

        Assert.Equal(RelocationOutcome.Completed, (await ResultAsync(handle)).Outcome);
        Assert.Equal(["night-1", "night-2"], (await rig.StateAsync(handle, plan)).Signals.Select(answer => answer.SignalId));
        Assert.Equal(2, (await handle.QueryAsync<EventPage>(TemporalNames.EventsQuery, [0])).Events.Count(happened => happened is SignalReceived));
    }

    [Fact]
    public async Task Cancelling_the_workflow_undoes_everything_and_it_ends_as_cancelled_only_then()
    {
        await using var rig = new TemporalRig(server.Client);
        var held = new TaskCompletionSource();
        rig.B.Deeds["start"] = async (_, cancelled) =>
        {
            await Task.Delay(Timeout.Infinite, cancelled);
            return new();
        };
        rig.A.Deeds["undo quiesce"] = async (_, cancelled) =>
        {
            await held.Task.WaitAsync(cancelled);
            return new();
        };
        var plan = rig.Mine(Plans.Short());
        var handle = await rig.StartAsync(new RelocationInput { Plan = plan });
        await Poll.UntilAsync(() => rig.Effects.Names().Contains("start"), "start begins");

        await handle.CancelAsync();
        await Poll.UntilAsync(() => rig.Effects.Names().Contains("undo quiesce"), "quiesce is undone");
        Assert.Equal(WorkflowExecutionStatus.Running, (await handle.DescribeAsync()).Status);
        held.SetResult();

        var failure = await Assert.ThrowsAsync<WorkflowFailedException>(() => handle.GetResultAsync());
        Assert.IsType<CanceledFailureException>(failure.InnerException);
        Assert.Contains("undo lease", rig.Effects.Names());
    }

    [Fact]
    public async Task Cancelling_after_the_point_of_no_return_does_not_keep_it_from_completing()
    {
        await using var rig = new TemporalRig(server.Client);
        var held = new TaskCompletionSource();
        rig.B.Deeds["dns-verify"] = async (_, cancelled) =>
        {
            await held.Task.WaitAsync(cancelled);
            return new();
        };
        var handle = await rig.StartAsync(new RelocationInput { Plan = rig.Mine(Plans.Short()) });
        await Poll.UntilAsync(() => rig.Effects.Names().Contains("dns-verify"), "dns-verify begins");

        await handle.CancelAsync();
        held.SetResult();

        Assert.Equal(RelocationOutcome.Completed, (await ResultAsync(handle)).Outcome);
        Assert.DoesNotContain(rig.Effects, request => request.Direction == StepDirection.Undo);
    }

    [Fact]
    public async Task An_update_that_can_have_no_answer_is_refused_before_it_is_in_the_history()
    {
        await using var rig = new TemporalRig(server.Client);
        rig.A.Deeds["lease"] = async (_, cancelled) =>
        {
            await Task.Delay(Timeout.Infinite, cancelled);
            return new();
        };
        var handle = await rig.StartAsync(new RelocationInput { Plan = rig.Mine(Plans.Short()) });

        var refused = await Assert.ThrowsAsync<WorkflowUpdateFailedException>(() => handle.ExecuteUpdateAsync<SignalReply>(TemporalNames.MarkDone, [new SignalInput()]));
        Assert.Contains("needs a step and the reason", refused.InnerException!.Message, StringComparison.Ordinal);
        var unknown = await handle.ExecuteUpdateAsync<SignalReply>(TemporalNames.MarkDone, [new SignalInput { Step = "teleport", Reason = "by hand" }]);
        Assert.False(unknown.Accepted);
        Assert.Contains("it has no step 'teleport'", unknown.Answer, StringComparison.Ordinal);

        await handle.ExecuteUpdateAsync<SignalReply>(TemporalNames.Abort, []);
        await ResultAsync(handle);
        Assert.DoesNotContain((await handle.FetchHistoryAsync()).Events, happened => happened.WorkflowExecutionUpdateAcceptedEventAttributes?.AcceptedRequest?.Input?.Name == TemporalNames.MarkDone
            && happened.ToString().Contains("\"needs", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Queries_tell_where_it_is_what_it_does_and_how_far_it_got_also_when_it_is_over()
    {
        await using var rig = new TemporalRig(server.Client);
        var plan = rig.Mine(Plans.Short().WithGate());
        var handle = await rig.StartAsync(new RelocationInput { Plan = plan });
        await Poll.UntilAsync(() => handle.QueryAsync<string>(TemporalNames.CurrentStateQuery, []).Result == "waits for approval", "it waits for approval");

        var status = await handle.QueryAsync<RelocationStatus>(TemporalNames.StatusQuery, []);
        Assert.Equal((plan.RelocationId, "shop", "a", "b", 7), (status.Relocation, status.App, status.Source, status.Target, status.Epoch));
        Assert.Contains(new StepStatus("snapshot-1", "a", RunStatus.Completed, null), status.Steps);
        Assert.Equal(plan.Steps.Length, (await handle.QueryAsync<RelocationPlan>(TemporalNames.PlanQuery, [])).Steps.Length);
        Assert.Equal(1, (await handle.QueryAsync<RelocationProgress>(TemporalNames.ProgressQuery, [])).Round);

        await handle.SignalAsync(TemporalNames.Approve, []);
        await ResultAsync(handle);
        Assert.Equal("completed", await handle.QueryAsync<string>(TemporalNames.CurrentStateQuery, []));
    }

    private static async Task<(RelocationOutcome Outcome, string? Reason)> ResultAsync(WorkflowHandle handle)
    {
        var result = await handle.GetResultAsync<RelocationResult>().Soon();
        return (result.Outcome, result.Reason);
    }
}
