using System.Collections.Concurrent;
using System.Globalization;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.Engines.Temporal.Client.Payloads;
using StatefulRelocate.Engines.Temporal.Tests.Rig;
using StatefulRelocate.Engines.Temporal.Workers;
using StatefulRelocate.Engines.Tests.Rig;
using StatefulRelocate.TestSupport.Servers;
using Temporalio.Client;

namespace StatefulRelocate.Engines.Temporal.Tests;

/// <summary>Many relocations at once on one server and one worker; <c>RELOCATE_TEST_LONG=1</c> runs 500 of them.</summary>
public sealed class ManyRelocationsTests(SharedServer server)
{
    private const int Cached = 8;

    [Fact]
    public async Task All_of_many_relocations_at_once_complete_while_the_worker_keeps_only_a_few_in_memory()
    {
        var many = Environment.GetEnvironmentVariable("RELOCATE_TEST_LONG") == "1" ? 500 : 40;
        var kept = new ConcurrentBag<double>();
        var evicted = new ConcurrentBag<double>();
        var runtime = new TemporalMetricTap((metric, value) =>
        {
            if (metric == "temporal_sticky_cache_size")
                kept.Add(value);
            else if (metric == "temporal_sticky_cache_total_forced_eviction")
                evicted.Add(value);
        }).ToRuntime();
        Assert.SkipWhen(server.Server is null, TemporalServer.Missing);
        await using var rig = new TemporalRig(await server.Server.ConnectAsync(RelocationPayloads.Converter(), runtime), start: false);
        rig.StartServer(new ServerWorkerOptions { MaximumCachedWorkflows = Cached });
        rig.StartAgents();

        var plans = Enumerable.Range(1, many).Select(number => rig.Mine(Patient(string.Create(CultureInfo.InvariantCulture, $"many-{number}")))).ToList();
        var handles = new List<WorkflowHandle>();
        foreach (var plan in plans)
            handles.Add(await rig.StartAsync(new RelocationInput { Plan = plan }));
        var outcomes = await Task.WhenAll(handles.Select(static async handle => (await handle.GetResultAsync<RelocationResult>()).Outcome));

        Assert.Equal(Enumerable.Repeat(RelocationOutcome.Completed, many), outcomes);
        Assert.Equal(many * plans[0].Steps.Length, rig.Effects.Select(static effect => (effect.RelocationId, effect.Step)).Distinct().Count());
        Assert.InRange(kept.Max(), 1, Cached);
        Assert.True(evicted.Sum() >= many - Cached, $"{evicted.Sum()} of {many} relocations under way had to make room for others");
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{many} at once: {kept.Max()} kept, {evicted.Sum()} evicted; {Environment.WorkingSet >> 20} MiB resident, agents and tests included"));
    }

    /// <summary>
    /// An app of its own for each; nothing in it is hurried, however many wait for their turn. A task that a starved machine loses on its way to the worker is found
    /// missing by its heartbeats, and tried again.
    /// </summary>
    private static RelocationPlan Patient(string id)
    {
        var plan = Plans.Short(id, timeout: TimeSpan.FromMinutes(30), attempts: 10);
        return plan with
        {
            Spec = plan.Spec with { App = id, Cutover = plan.Spec.Cutover with { MaxBlackout = TimeSpan.FromHours(1) } },
            Steps = [.. plan.Steps.Select(static step => step with { ScheduleToStartTimeout = TimeSpan.FromMinutes(30), HeartbeatTimeout = TimeSpan.FromSeconds(20) })],
        };
    }
}
