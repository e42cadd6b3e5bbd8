using StatefulRelocate.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.Engines.Temporal.Tests.Rig;
using StatefulRelocate.Engines.Tests.Rig;
using Temporalio.Client;
using Temporalio.Exceptions;

namespace StatefulRelocate.Engines.Temporal.Tests;

/// <summary>
/// Histories of our own runs stay replayable: those in <c>Histories/</c> were written by the version that came before any change. With <c>RELOCATE_WRITE_HISTORIES=DIR</c>
/// the second test writes them anew.
/// </summary>
public sealed class HistoryTests(SharedServer server)
{
    private static string Committed => Path.Combine(AppContext.BaseDirectory, "Histories");

    public static TheoryData<string> Names => ["completed", "compensated", "aborted", "approved", "continued", "taken-over"];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_history_of_an_earlier_version_is_replayed_in_a_fresh_process_cut_off_after_every_task(string name) =>
        await Child.Start(["replay", Path.Combine(Committed, $"{name}.json")]).ExitsWithAsync(0);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_history_of_today_is_replayed_too(string name)
    {
        await using var rig = new TemporalRig(server.Client);
        var handle = await RunAsync(rig, name);
        var directory = Environment.GetEnvironmentVariable("RELOCATE_WRITE_HISTORIES") is { Length: > 0 } wanted ? Directory.CreateDirectory(wanted) : Directory.CreateTempSubdirectory("relocate-histories-");
        var path = Path.Combine(directory.FullName, $"{name}.json");
        await File.WriteAllTextAsync(path, (await handle.FetchHistoryAsync()).ToJson(), TestContext.Current.CancellationToken);

        foreach (var _ in new[] { 1, 2, 3 })
            await Child.Start(["replay", path]).ExitsWithAsync(0);
    }

    private static async Task<WorkflowHandle> RunAsync(TemporalRig rig, string name)
    {
        var world = new ModelWorld(rig);
        var plan = rig.Mine(name is "approved" or "continued" ? Plans.Short().WithGate() : name == "completed" ? Fused() : Plans.Short());
        if (name == "compensated")
            rig.B.Deeds["start"] = static (_, _) => throw new ActivityException("broken", "the disk is full", retryable: false);
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (name is "aborted" or "taken-over")
            world.Before = (request, cancelled) => request.Step == "quiesce" && request.Direction == Core.Saga.StepDirection.Do ? held.Task.WaitAsync(cancelled) : Task.CompletedTask;
        var handle = await rig.StartAsync(new RelocationInput { Plan = plan, ContinueAfter = name == "continued" ? 1 : null });
        var current = rig.Client.GetWorkflowHandle(plan.RelocationId);
        switch (name)
        {
            case "aborted":
                await Poll.UntilAsync(() => rig.Effects.Names().Contains("quiesce"), "quiesce begins");
                await current.ExecuteUpdateAsync<SignalReply>(TemporalNames.Abort, [new SignalInput { Reason = "not tonight" }]);
                break;
            case "approved" or "continued":
                await Poll.UntilAsync(() => current.QueryAsync<string>(TemporalNames.CurrentStateQuery, []).Result == "waits for approval", "it waits for approval");
                await current.SignalAsync(TemporalNames.Approve, [new SignalInput { By = "me" }]);
                break;
            case "taken-over":
                await Poll.UntilAsync(() => rig.Effects.Names().Contains("quiesce"), "quiesce begins");
                await handle.TerminateAsync("2 a.m.");
                world.Before = static (_, _) => Task.CompletedTask;
                current = await rig.Client.StartWorkflowAsync(TemporalNames.Workflow, [new RelocationInput { Plan = plan, TakeOver = true }], new WorkflowOptions(plan.RelocationId, rig.Queue)
                {
                    IdReusePolicy = Temporalio.Api.Enums.V1.WorkflowIdReusePolicy.AllowDuplicateFailedOnly,
                });
                break;
        }

        try
        {
            await current.GetResultAsync<RelocationResult>().Soon();
        }
        catch (WorkflowFailedException)
        {
            // Undone, as the history is to show.
        }

        return rig.Client.GetWorkflowHandle(plan.RelocationId);
    }

    private static RelocationPlan Fused()
    {
        var plan = Plans.Short();
        var planned = Planner.Plan(Plans.Spec, plan.RelocationId, fused: true);
        return planned with { Steps = [.. planned.Steps.Select(step => step with { HeartbeatTimeout = TimeSpan.FromSeconds(20), ScheduleToStartTimeout = TimeSpan.FromSeconds(20) })] };
    }
}
