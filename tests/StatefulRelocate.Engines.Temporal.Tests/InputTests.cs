using System.Text.Json;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.Engines.Temporal.Tests.Rig;
using StatefulRelocate.Engines.Tests.Rig;
using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Exceptions;

namespace StatefulRelocate.Engines.Temporal.Tests;

/// <summary>What a workflow makes of its input.</summary>
public sealed class InputTests(SharedServer server)
{
    [Theory]
    [InlineData("7", "must be an object")]
    [InlineData("{}", "neither a plan nor a spec")]
    [InlineData("{\"app\": \"shop\"}", "missing required properties")]
    [InlineData("{\"app\": \"shop\", \"source\": \"a\", \"target\": \"a\", \"repository\": \"main\", \"dns\": {\"zone\": \"edge.test\", \"name\": \"shop\"}}", "source and target are both 'a'")]
    [InlineData("{\"relocationId\": \"ID\", \"machineVersion\": 1, \"spec\": {\"app\": \"shop\"}, \"steps\": [{\"id\": \"lease\", \"kind\": \"lease\"}]}", "missing required properties")]
    [InlineData("{\"relocationId\": \"other\", \"machineVersion\": 1, \"spec\": null, \"steps\": []}", "the input is no relocation")]
    public async Task An_input_that_is_no_relocation_fails_the_workflow_with_one_line(string json, string why)
    {
        await using var rig = new TemporalRig(server.Client);
        var handle = await rig.Client.StartWorkflowAsync(TemporalNames.Workflow, [JsonDocument.Parse(json).RootElement], new WorkflowOptions($"bad-{Guid.NewGuid():N}", rig.Queue));

        var failure = Assert.IsType<ApplicationFailureException>((await Assert.ThrowsAsync<WorkflowFailedException>(() => handle.GetResultAsync().Soon())).InnerException);
        Assert.Equal(TemporalNames.BadInputFailure, failure.ErrorType);
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
        Assert.Empty(rig.Effects);
    }

    [Fact]
    public async Task A_spec_alone_is_planned_by_the_workflow_itself()
    {
        await using var rig = new TemporalRig(server.Client);
        var handle = await rig.Client.StartWorkflowAsync(TemporalNames.Workflow, [Plans.Spec], new WorkflowOptions($"by-hand-{Guid.NewGuid():N}", rig.Queue));

        var plan = await handle.QueryAsync<RelocationPlan>(TemporalNames.PlanQuery, []).Soon();
        Assert.Equal(handle.Id, plan.RelocationId);
        Assert.Equal("relocate-agent-b", plan.Steps.Single(step => step.Id == "start").TaskQueue);
        var input = (await rig.Client.GetWorkflowHandle(handle.Id).FetchHistoryAsync()).Events.First().WorkflowExecutionStartedEventAttributes.Input.Payloads_.Single();
        Assert.Contains("\"steps\"", input.Data.ToStringUtf8(), StringComparison.Ordinal);
        await handle.TerminateAsync();
    }

    [Fact]
    public async Task A_plan_for_another_machine_fails_the_workflow_task_and_waits_for_the_worker_that_knows_it()
    {
        await using var rig = new TemporalRig(server.Client);
        var plan = rig.Mine(Plans.Short()) with { MachineVersion = SagaMachine.CurrentVersion + 1 };
        var handle = await rig.StartAsync(new RelocationInput { Plan = plan });

        await Poll.UntilAsync(() => handle.FetchHistoryAsync().Result.Events.Any(happened => happened.EventType == EventType.WorkflowTaskFailed), "the workflow task fails");
        Assert.Equal(WorkflowExecutionStatus.Running, (await handle.DescribeAsync()).Status);
        Assert.Empty(rig.Effects);
        await handle.TerminateAsync();
    }
}
