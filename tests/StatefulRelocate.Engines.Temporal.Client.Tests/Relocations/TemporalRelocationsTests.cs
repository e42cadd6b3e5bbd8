using System.Diagnostics;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.Engines.Temporal.Client.Payloads;
using StatefulRelocate.Engines.Temporal.Client.Relocations;
using Temporalio.Client;

namespace StatefulRelocate.Engines.Temporal.Client.Tests.Relocations;

public sealed class TemporalRelocationsTests(SharedServer shared)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_relocation_is_started_described_aborted_and_listed()
    {
        var (relocations, client) = await OpenAsync();
        var plan = Workers.NewPlan();
        await using var workers = new Workers(client).Server().Agents(plan);

        await relocations.StartAsync(plan, [], Token);
        var running = await Eventually.SeesAsync(async () => await relocations.DescribeAsync(plan.RelocationId, Token) is var each && each.Pending.Any(step => step.Progress is not null) ? each : null);
        var reply = await relocations.SendAsync(plan.RelocationId, new Abort("enough"), "signal-1", Token);
        var ended = await EndAsync(relocations, plan);

        Assert.Equal(RunStanding.Running, running.Standing);
        Assert.Contains(running.Pending, step => step is { Step: "preflight-source", Attempt: 1, Taken: true, Progress: { BytesDone: 7, BytesTotal: 9 } });
        Assert.True(reply.Accepted);
        Assert.Equal(RelocationOutcome.Aborted, ended.Outcome);
        Assert.Equal("signal-1", ended.Signals.Single().SignalId);
        Assert.Equal(plan.RelocationId, (await relocations.ReadPlanAsync(plan.RelocationId, Token)).RelocationId);
        var listed = await Eventually.SeesAsync(async () => (await relocations.ListAsync(plan.RelocationId[..^1], Token)).FirstOrDefault(each => each.Id == plan.RelocationId && each.Standing == RunStanding.Ended));
        Assert.Equal("aborted", listed.Phase);
    }

    [Fact]
    public async Task Starting_twice_attaches_and_what_is_over_is_not_started_again()
    {
        var (relocations, client) = await OpenAsync();
        var plan = Workers.NewPlan();
        await using var workers = new Workers(client).Server().Agents(plan);

        await relocations.StartAsync(plan, [], Token);
        var run = (await relocations.DescribeAsync(plan.RelocationId, Token)).RunId;
        await relocations.StartAsync(plan, [], Token);
        Assert.Equal(run, (await relocations.DescribeAsync(plan.RelocationId, Token)).RunId);

        await relocations.SendAsync(plan.RelocationId, new Abort(), "signal-1", Token);
        await EndAsync(relocations, plan);
        await SaysAsync(() => relocations.StartAsync(plan, [], Token), plan.RelocationId, "was run before");
        await SaysAsync(() => relocations.TakeOverAsync(plan.RelocationId, Token), plan.RelocationId, "is over");
        Assert.Equal(run, (await relocations.DescribeAsync(plan.RelocationId, Token)).RunId);
    }

    [Fact]
    public async Task A_terminated_relocation_is_broken_until_a_new_run_takes_over()
    {
        var (relocations, client) = await OpenAsync();
        var plan = Workers.NewPlan();
        await using var workers = new Workers(client).Server().Agents(plan);
        await relocations.StartAsync(plan, [], Token);
        await client.GetWorkflowHandle(plan.RelocationId).TerminateAsync("at 2 a.m.");

        Assert.Equal(RunStanding.Broken, (await relocations.DescribeAsync(plan.RelocationId, Token)).Standing);
        await relocations.TakeOverAsync(plan.RelocationId, Token);

        Assert.Equal(RunStanding.Running, (await relocations.DescribeAsync(plan.RelocationId, Token)).Standing);
        await Eventually.SeesAsync(async () => (await relocations.ReadEventsAsync(plan.RelocationId, 0, Token)).Events.OfType<TakeOverBegan>().FirstOrDefault());
        await SaysAsync(() => relocations.TakeOverAsync(plan.RelocationId, Token), "runs already");
        await client.GetWorkflowHandle(plan.RelocationId).TerminateAsync("the test is over");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_started_by_hand_is_taken_over_too(bool bareSpec)
    {
        var (relocations, client) = await OpenAsync();
        var plan = Workers.NewPlan();
        await using var workers = new Workers(client).Server().Agents(plan);
        var handle = await client.StartWorkflowAsync(TemporalNames.Workflow, [bareSpec ? plan.Spec : plan], new WorkflowOptions(plan.RelocationId, TemporalNames.ServerTaskQueue));
        await handle.TerminateAsync("at 2 a.m.");

        await relocations.TakeOverAsync(plan.RelocationId, Token);

        var taken = await relocations.ReadPlanAsync(plan.RelocationId, Token);
        Assert.Equal(plan.Steps.Select(step => step.Id), taken.Steps.Select(step => step.Id));
        await handle.Client.GetWorkflowHandle(plan.RelocationId).TerminateAsync("the test is over");
    }

    [Fact]
    public async Task A_compensated_relocation_is_over_and_a_refused_input_is_told_as_what_it_is()
    {
        var (relocations, client) = await OpenAsync();
        var plan = Workers.NewPlan();
        await using var workers = new Workers(client).Server().Agents(plan);

        await relocations.StartAsync(plan, ["preflight-source:before"], Token);
        var ended = await EndAsync(relocations, plan);
        Assert.Equal(RelocationOutcome.Compensated, ended.Outcome);
        await Eventually.SeesAsync(async () => await relocations.DescribeAsync(plan.RelocationId, Token) is { Standing: RunStanding.Ended } each ? each : null);

        var id = plan.RelocationId + "-hello";
        await client.StartWorkflowAsync(TemporalNames.Workflow, ["hello"], new WorkflowOptions(id, TemporalNames.ServerTaskQueue));
        await Eventually.SeesAsync(async () => await relocations.DescribeAsync(id, Token) is { Standing: RunStanding.Refused } each ? each : null);
        await SaysAsync(() => relocations.ReadPlanAsync(id, Token), id, "the input is no relocation");
    }

    [Fact]
    public async Task A_step_that_fails_and_is_tried_again_is_told_with_its_attempt()
    {
        var (relocations, client) = await OpenAsync();
        var plan = Workers.NewPlan();
        await using var workers = new Workers(client);
        workers.Deeds["preflight-source"] = _ => throw new InvalidOperationException("the disk is on fire");
        workers.Server().Agents(plan);
        await relocations.StartAsync(plan with { Steps = [.. plan.Steps.Select(step => step with { Retry = step.Retry with { MaximumAttempts = 0, MaximumInterval = TimeSpan.FromMilliseconds(300) } })] }, [], Token);

        var hindrance = await Eventually.SeesAsync(async () =>
            await relocations.FindHindranceAsync(plan, await relocations.DescribeAsync(plan.RelocationId, Token), TimeSpan.FromMinutes(1), DateTimeOffset.UtcNow, Token));

        Assert.Contains("preflight-source, attempt", hindrance, StringComparison.Ordinal);
        Assert.Contains("the disk is on fire", hindrance, StringComparison.Ordinal);
        await client.GetWorkflowHandle(plan.RelocationId).TerminateAsync("the test is over");
    }

    [Fact]
    public async Task An_id_that_nobody_knows_and_a_workflow_of_another_type_are_told_apart()
    {
        var (relocations, client) = await OpenAsync();
        await client.StartWorkflowAsync("Payroll", [], new WorkflowOptions("payroll-1", "payroll"));

        await SaysAsync(() => relocations.DescribeAsync("nowhere", Token), "no relocation 'nowhere'", "namespace 'default'");
        await SaysAsync(() => relocations.SendAsync("nowhere", new Pause(), "1", Token), "no relocation 'nowhere'");
        await SaysAsync(() => relocations.ReadEventsAsync("nowhere", 0, Token), "no relocation 'nowhere'");
        await SaysAsync(() => relocations.TakeOverAsync("nowhere", Token), "no relocation 'nowhere'");
        await SaysAsync(() => relocations.DescribeAsync("payroll-1", Token), "no relocation but of type 'Payroll'");
        Assert.DoesNotContain(await relocations.ListAsync(null, Token), each => each.Id == "payroll-1");
    }

    [Fact]
    public async Task What_is_said_to_a_relocation_that_is_over_is_answered()
    {
        var (relocations, client) = await OpenAsync();
        var plan = Workers.NewPlan();
        await using var workers = new Workers(client).Server().Agents(plan);
        await relocations.StartAsync(plan, [], Token);
        await relocations.SendAsync(plan.RelocationId, new Abort(), "signal-1", Token);
        await EndAsync(relocations, plan);
        await Eventually.SeesAsync(async () => await relocations.DescribeAsync(plan.RelocationId, Token) is { Standing: RunStanding.Ended } each ? each : null);

        await SaysAsync(() => relocations.SendAsync(plan.RelocationId, new Approve(), "signal-2", Token), "is over");
        await SaysAsync(() => relocations.LeaveAsync(plan.RelocationId, new Abort(), "signal-3", Token), "is over");
    }

    [Fact]
    public async Task A_refusal_of_the_machine_is_an_answer()
    {
        var (relocations, client) = await OpenAsync();
        var plan = Workers.NewPlan();
        await using var workers = new Workers(client).Server().Agents(plan);
        await relocations.StartAsync(plan, [], Token);

        var approve = await relocations.SendAsync(plan.RelocationId, new Approve("me"), "signal-1", Token);
        var done = await relocations.SendAsync(plan.RelocationId, new MarkDone("fense", "I know"), "signal-2", Token);
        var pause = await relocations.SendAsync(plan.RelocationId, new Pause(), "signal-3", Token);
        var again = await relocations.SendAsync(plan.RelocationId, new Pause(), "signal-3", Token);

        Assert.False(approve.Accepted);
        Assert.Contains("asks for no approval", approve.Answer, StringComparison.Ordinal);
        Assert.False(done.Accepted);
        Assert.Contains("no step 'fense'", done.Answer, StringComparison.Ordinal);
        Assert.Equal(pause, again);
        await client.GetWorkflowHandle(plan.RelocationId).TerminateAsync("the test is over");
    }

    [Fact]
    public async Task A_plan_larger_than_a_payload_may_be_is_refused_before_it_is_sent()
    {
        var (relocations, client) = await OpenAsync();
        var plan = Workers.NewPlan();
        await using var workers = new Workers(client).Server().Agents(plan);

        var step = plan.Steps[0];
        var large = plan with { Steps = [.. Enumerable.Repeat(step, 8000)] };

        await SaysAsync(() => relocations.StartAsync(large, [], Token), "2048 KiB at most");
        await SaysAsync(() => relocations.DescribeAsync(plan.RelocationId, Token), "no relocation");
    }

    [Fact]
    public async Task With_a_key_nothing_of_the_payloads_stands_on_the_server_and_the_wrong_key_is_named()
    {
        const string app = "secretive";
        var codec = new AesGcmPayloadCodec(new byte[32]);
        var client = await shared.Server.ConnectAsync(RelocationPayloads.Converter(codec));
        var relocations = new TemporalRelocations(client);
        var plan = Workers.NewPlan(app);
        await using var workers = new Workers(client).Server().Agents(plan);
        await relocations.StartAsync(plan, [], Token);
        await relocations.SendAsync(plan.RelocationId, new Abort("because of a secret"), "signal-1", Token);
        await EndAsync(relocations, plan);

        var history = await client.GetWorkflowHandle(plan.RelocationId).FetchHistoryAsync();
        var stored = string.Join('\n', history.Events.Select(each => each.ToString()));
        Assert.DoesNotContain("because of a secret", stored, StringComparison.Ordinal);
        Assert.DoesNotContain("\"preflight-source\": ", stored, StringComparison.Ordinal);
        var other = new TemporalRelocations(await shared.Server.ConnectAsync(RelocationPayloads.Converter(new AesGcmPayloadCodec(Enumerable.Repeat((byte)1, 32).ToArray()))));
        await SaysAsync(() => other.ReadPlanAsync(plan.RelocationId, Token), codec.KeyId);
        await SaysAsync(async () => await new TemporalRelocations(await shared.Server.ConnectAsync(RelocationPayloads.Converter())).ReadPlanAsync(plan.RelocationId, Token), codec.KeyId, "RELOCATE_PAYLOAD_KEY_FILE");
    }

    private async Task<(TemporalRelocations Relocations, ITemporalClient Client)> OpenAsync()
    {
        var client = await shared.Server.ConnectAsync(RelocationPayloads.Converter());
        return (new TemporalRelocations(client), client);
    }

    private static async Task<SagaState> EndAsync(TemporalRelocations relocations, RelocationPlan plan) => await Eventually.SeesAsync(async () =>
    {
        var state = (await relocations.ReadEventsAsync(plan.RelocationId, 0, Token)).Events.Aggregate(SagaMachine.Start(plan), SagaMachine.Evolve);
        return state.Outcome is null ? null : state;
    });

    private static async Task SaysAsync(Func<Task> action, params string[] words)
    {
        var clock = Stopwatch.StartNew();

        var error = await Assert.ThrowsAnyAsync<RelocateException>(action);

        Assert.All(words, word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
        Assert.DoesNotContain('\n', error.Message);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(15), $"{clock.Elapsed}");
    }
}
