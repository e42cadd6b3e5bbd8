using System.Diagnostics;
using System.Text.Json;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Core.Serialization;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.Engines.Temporal.Tests.Rig;
using StatefulRelocate.Engines.Tests.Rig;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.Engines.Temporal.Tests;

/// <summary>The official <c>temporal</c> command line is all that an operator has at hand: JSON typed by hand, and every command that it has for a workflow.</summary>
public sealed class ForeignClientTests(SharedServer server)
{
    [Fact]
    public async Task It_starts_a_relocation_from_a_spec_typed_by_hand_and_asks_where_it_is()
    {
        await using var rig = new TemporalRig(server.Client, start: false);
        rig.StartServer();
        var id = $"by-hand-{Guid.NewGuid():N}";
        await TemporalAsync("workflow", "start", "--type", "Relocation", "--task-queue", rig.Queue, "--workflow-id", id, "--input",
            """{"app": "shop", "source": "a", "target": "b", "repository": "main", "dns": {"zone": "edge.test", "name": "shop"}, "cutover": {"approval": true}}""");

        Assert.Contains("copying", await TemporalAsync("workflow", "query", "--workflow-id", id, "--type", "current-state"), StringComparison.Ordinal);
        Assert.Contains("\"approval\":true", await TemporalAsync("workflow", "query", "--workflow-id", id, "--type", "plan", "--output", "jsonl"), StringComparison.Ordinal);
        Assert.Contains("preflight-source", await TemporalAsync("workflow", "describe", "--workflow-id", id), StringComparison.Ordinal);
        await TemporalAsync("workflow", "terminate", "--workflow-id", id, "--reason", "enough");
    }

    [Fact]
    public async Task It_approves_by_signal_and_is_answered_by_update()
    {
        await using var rig = new TemporalRig(server.Client);
        var id = await StartAsync(rig, gate: true);
        await StateIsAsync(id, "waits for approval");

        var answer = await TemporalAsync("workflow", "update", "execute", "--workflow-id", id, "--name", "resume", "--input", "{}");
        Assert.Contains("it is neither paused nor waiting for a person", answer, StringComparison.Ordinal);
        await TemporalAsync("workflow", "signal", "--workflow-id", id, "--name", "approve", "--input", """{"by": "ann", "id": "ticket-4711"}""");

        await StateIsAsync(id, "completed");
    }

    [Fact]
    public async Task Its_cancel_undoes_everything()
    {
        await using var rig = new TemporalRig(server.Client);
        var world = new ModelWorld(rig);
        var id = await StartAsync(rig, gate: true);
        await StateIsAsync(id, "waits for approval");

        await TemporalAsync("workflow", "cancel", "--workflow-id", id);

        await StateIsAsync(id, "aborted");
        Assert.True(world.IsLegalEnd, world.Describe());
        Assert.Contains("CANCELED", (await TemporalAsync("workflow", "describe", "--workflow-id", id)).ToUpperInvariant(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_reset_at_the_worst_moment_ends_legally()
    {
        await using var rig = new TemporalRig(server.Client);
        var world = new ModelWorld(rig);
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Before = (request, cancelled) => request.Step == "start" && request.Direction == StepDirection.Do ? held.Task.WaitAsync(cancelled) : Task.CompletedTask;
        var id = await StartAsync(rig, gate: false);
        await Poll.UntilAsync(() => rig.Effects.Names().Contains("start"), "start begins");
        world.Before = static (_, _) => Task.CompletedTask;

        await TemporalAsync("workflow", "reset", "--workflow-id", id, "--type", "FirstWorkflowTask", "--reason", "2 a.m.");
        held.SetResult();

        await StateIsAsync(id, "compensated");
        Assert.True(world.IsLegalEnd, world.Describe());
    }

    private async Task<string> StartAsync(TemporalRig rig, bool gate)
    {
        var plan = rig.Mine(gate ? Plans.Short().WithGate() : Plans.Short());
        await TemporalAsync("workflow", "start", "--type", TemporalNames.Workflow, "--task-queue", rig.Queue, "--workflow-id", plan.RelocationId,
            "--input", JsonSerializer.Serialize(plan, CoreJson.Default.RelocationPlan));
        return plan.RelocationId;
    }

    private Task StateIsAsync(string id, string state) => Poll.UntilAsync(
        () => server.Client.GetWorkflowHandle(id).QueryAsync<string>(TemporalNames.CurrentStateQuery, []).Result == state, $"{id} is {state}");

    private async Task<string> TemporalAsync(params string[] arguments)
    {
        _ = server.Client;
        var start = new ProcessStartInfo(TestPrograms.Temporal!, [.. arguments, "--address", server.Server.Address]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).Soon();
        Assert.True(process.ExitCode == 0, $"temporal {string.Join(' ', arguments)}: {await output}{await errors}");
        return await output;
    }
}
