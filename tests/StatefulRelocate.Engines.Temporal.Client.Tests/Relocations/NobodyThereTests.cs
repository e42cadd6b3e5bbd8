using System.Diagnostics;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.Engines.Temporal.Client.Payloads;
using StatefulRelocate.Engines.Temporal.Client.Relocations;
using StatefulRelocate.TestSupport.Servers;
using Temporalio.Client;

namespace StatefulRelocate.Engines.Temporal.Client.Tests.Relocations;

/// <summary>A server of its own for each: it remembers who polled.</summary>
public sealed class NobodyThereTests : IAsyncLifetime
{
    private static readonly TimeSpan s_seconds = TimeSpan.FromSeconds(15);
    private TemporalServer _server = null!;
    private TemporalClient _client = null!;
    private TemporalRelocations _relocations = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        if (await TemporalServer.TryStartAsync(new TemporalServerOptions { Durable = true }, CancellationToken.None) is not { } server)
        {
            Assert.Skip(TemporalServer.Missing);
            return;
        }

        _server = server;
        _client = await _server.ConnectAsync(RelocationPayloads.Converter());
        _relocations = new TemporalRelocations(_client);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
    }

    [Fact]
    public async Task Without_a_relocate_server_nothing_is_started()
    {
        var plan = Workers.NewPlan();

        await SaysAsync<RelocateException>(() => _relocations.StartAsync(plan, [], Token), "no relocate-server polls the task queue relocate-server", "nothing was started");

        Assert.Empty(await _relocations.ListAsync(null, Token));
    }

    [Fact]
    public async Task Without_an_agent_nothing_is_started_and_the_agent_is_named()
    {
        var plan = Workers.NewPlan();
        await using var workers = new Workers(_client).Server();
        workers.Agent(plan.Spec.Source);

        await SaysAsync<RelocateException>(() => _relocations.StartAsync(plan, [], Token),
            $"nobody polls the task queue relocate-agent-{plan.Spec.Target}", $"relocate-agent --cluster {plan.Spec.Target}", "nothing was started");

        Assert.Empty(await _relocations.ListAsync(null, Token));
    }

    [Fact]
    public async Task A_workflow_that_nobody_takes_says_which_program_is_missing()
    {
        var plan = Workers.NewPlan();
        await _client.StartWorkflowAsync(TemporalNames.Workflow, [plan], new WorkflowOptions(plan.RelocationId, TemporalNames.ServerTaskQueue));

        await SaysAsync<UnansweredException>(() => _relocations.ReadEventsAsync(plan.RelocationId, 0, Token), "relocate-server");
        await SaysAsync<UnansweredException>(() => _relocations.SendAsync(plan.RelocationId, new Abort(), "1", Token), "relocate-server");
        var described = await _relocations.DescribeAsync(plan.RelocationId, Token);
        Assert.Contains("no relocate-server polls", await _relocations.FindHindranceAsync(plan, described, TimeSpan.Zero, DateTimeOffset.UtcNow, Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_step_that_no_agent_takes_says_which_agent_is_missing()
    {
        var plan = Workers.NewPlan();
        await using var workers = new Workers(_client).Server();
        workers.Agent(plan.Spec.Target);
        await _client.StartWorkflowAsync(TemporalNames.Workflow, [plan], new WorkflowOptions(plan.RelocationId, TemporalNames.ServerTaskQueue));

        var hindrance = await Eventually.SeesAsync(async () =>
            await _relocations.FindHindranceAsync(plan, await _relocations.DescribeAsync(plan.RelocationId, Token), TimeSpan.FromSeconds(1), DateTimeOffset.UtcNow, Token));

        Assert.Contains($"relocate-agent --cluster {plan.Spec.Source}", hindrance, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_abort_that_is_left_with_the_server_counts_once_a_worker_is_there()
    {
        var plan = Workers.NewPlan();
        await _client.StartWorkflowAsync(TemporalNames.Workflow, [plan], new WorkflowOptions(plan.RelocationId, TemporalNames.ServerTaskQueue));

        await _relocations.LeaveAsync(plan.RelocationId, new Abort("left"), "left-1", Token);
        await using var workers = new Workers(_client).Server();

        await Eventually.SeesAsync(async () => (await _relocations.ReadEventsAsync(plan.RelocationId, 0, Token)).Events.OfType<RelocationEnded>().FirstOrDefault());
    }

    [Fact]
    public async Task An_outage_of_the_server_is_told_as_one_and_passes()
    {
        var plan = Workers.NewPlan();
        await using var workers = new Workers(_client).Server().Agents(plan);
        await _relocations.StartAsync(plan, [], Token);
        await _server.KillAsync();

        await SaysAsync<UnansweredException>(() => _relocations.DescribeAsync(plan.RelocationId, Token), _server.Address);
        await _server.StartAgainAsync(Token);

        var described = await Eventually.SeesAsync(async () =>
        {
            try
            {
                return await _relocations.DescribeAsync(plan.RelocationId, Token);
            }
            catch (UnansweredException)
            {
                return null;
            }
        });
        Assert.Equal(RunStanding.Running, described.Standing);
    }

    [Fact]
    public async Task Without_search_attributes_a_list_reads_the_memo()
    {
        var plan = Workers.NewPlan();
        await using var workers = new Workers(_client).Server().Agents(plan);
        await _relocations.StartAsync(plan, [], Token);
        await _relocations.SendAsync(plan.RelocationId, new Pause(), "1", Token);

        var listed = await Eventually.SeesAsync(async () => (await _relocations.ListAsync(null, Token)).SingleOrDefault(each => each.Phase == "paused"));

        Assert.Equal(plan.RelocationId, listed.Id);
        await _client.GetWorkflowHandle(plan.RelocationId).TerminateAsync("the test is over");
    }

    private static async Task SaysAsync<T>(Func<Task> action, params string[] words) where T : RelocateException
    {
        var clock = Stopwatch.StartNew();

        var error = await Assert.ThrowsAsync<T>(action);

        Assert.All(words, word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
        Assert.True(clock.Elapsed < s_seconds, $"{clock.Elapsed}: {error.Message}");
    }
}
