using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.Engines.Temporal.Tests.Rig;
using StatefulRelocate.Engines.Tests.Rig;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.WorkflowService.V1;
using Temporalio.Client;

namespace StatefulRelocate.Engines.Temporal.Tests;

/// <summary>Terminate and reset, with activities still running: whatever is done, one side serves in the end and never both.</summary>
public sealed class TakeOverTests(SharedServer server)
{
    public static TheoryData<string> Steps => ["lease", "prepare-target", "restore-1", "quiesce", "start", "dns-switch", "dns-verify", "release-lease"];

    [Theory]
    [MemberData(nameof(Steps))]
    public async Task A_run_after_a_terminated_one_goes_back_or_forward_from_what_is(string step)
    {
        await using var rig = new TemporalRig(server.Client);
        var world = new ModelWorld(rig);
        var held = Hold(world, step);
        var plan = rig.Mine(Plans.Short());
        var first = await rig.StartAsync(new RelocationInput { Plan = plan });
        await Poll.UntilAsync(() => rig.Effects.Names().Contains(step), $"{step} begins");
        await first.TerminateAsync("2 a.m.");
        Release(world);

        var second = await rig.Client.StartWorkflowAsync(TemporalNames.Workflow, [new RelocationInput { Plan = plan, TakeOver = true }], new WorkflowOptions(plan.RelocationId, rig.Queue)
        {
            IdReusePolicy = WorkflowIdReusePolicy.AllowDuplicateFailedOnly,
        });
        held.SetResult();

        await EndedAsync(second);
        Assert.True(world.IsLegalEnd, $"{world.Describe()}; {string.Join("; ", world.Violations)}; effects: {string.Join(", ", rig.Effects.Names())}");
    }

    [Theory]
    [MemberData(nameof(Steps))]
    public async Task A_run_that_is_reset_to_any_of_its_tasks_ends_legally(string step)
    {
        for (var at = 0; ; at++)
        {
            await using var rig = new TemporalRig(server.Client);
            var world = new ModelWorld(rig);
            var held = Hold(world, step);
            var plan = rig.Mine(Plans.Short());
            var first = await rig.StartAsync(new RelocationInput { Plan = plan });
            await Poll.UntilAsync(() => rig.Effects.Names().Contains(step), $"{step} begins");
            var tasks = (await first.FetchHistoryAsync()).Events.Where(happened => happened.EventType == EventType.WorkflowTaskCompleted).Select(happened => happened.EventId).ToList();
            if (at >= tasks.Count)
                return;
            Release(world);
            await rig.Client.Connection.WorkflowService.ResetWorkflowExecutionAsync(new ResetWorkflowExecutionRequest
            {
                Namespace = "default",
                RequestId = Guid.NewGuid().ToString(),
                WorkflowExecution = new Temporalio.Api.Common.V1.WorkflowExecution { WorkflowId = plan.RelocationId, RunId = first.ResultRunId },
                WorkflowTaskFinishEventId = tasks[at],
                Reason = "2 a.m.",
            });
            held.SetResult();

            await EndedAsync(rig.Client.GetWorkflowHandle(plan.RelocationId));
            Assert.True(world.IsLegalEnd, $"held at {step}, reset to task {at} (event {tasks[at]}): {world.Describe()}; {string.Join("; ", world.Violations)}; effects: {string.Join(", ", rig.Effects.Names())}");
        }
    }

    [Fact]
    public async Task A_run_that_is_reset_after_its_end_does_nothing_to_the_world()
    {
        await using var rig = new TemporalRig(server.Client);
        var world = new ModelWorld(rig);
        var plan = rig.Mine(Plans.Short());
        var first = await rig.StartAsync(new RelocationInput { Plan = plan });
        await EndedAsync(first);
        var before = world.Describe();
        var task = (await first.FetchHistoryAsync()).Events.First(happened => happened.EventType == EventType.WorkflowTaskCompleted).EventId;
        await rig.Client.Connection.WorkflowService.ResetWorkflowExecutionAsync(new ResetWorkflowExecutionRequest
        {
            Namespace = "default",
            RequestId = Guid.NewGuid().ToString(),
            WorkflowExecution = new Temporalio.Api.Common.V1.WorkflowExecution { WorkflowId = plan.RelocationId, RunId = first.ResultRunId },
            WorkflowTaskFinishEventId = task,
            Reason = "by mistake",
        });

        await EndedAsync(rig.Client.GetWorkflowHandle(plan.RelocationId));
        Assert.Equal(before, world.Describe());
        Assert.True(world.IsLegalEnd, world.Describe());
    }

    private static TaskCompletionSource Hold(ModelWorld world, string step)
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Before = (request, cancelled) => request.Step == step && request.Direction == StepDirection.Do ? held.Task.WaitAsync(cancelled) : Task.CompletedTask;
        return held;
    }

    private static void Release(ModelWorld world) => world.Before = static (_, _) => Task.CompletedTask;

    /// <summary>Whatever the result: completed, undone, or refused because nothing was there.</summary>
    private static async Task EndedAsync(WorkflowHandle handle)
    {
        try
        {
            await handle.GetResultAsync<RelocationResult>().Soon();
        }
        catch (Temporalio.Exceptions.WorkflowFailedException)
        {
            // Undone.
        }
    }
}
