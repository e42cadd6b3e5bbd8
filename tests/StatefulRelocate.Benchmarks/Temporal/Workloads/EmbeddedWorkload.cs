using System.Diagnostics;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines;
using StatefulRelocate.Engines.Tests.Rig;

namespace StatefulRelocate.Benchmarks.Temporal.Workloads;

/// <summary>The embedded engine in this process: its journal on disk, the agent behind its socket.</summary>
internal static class EmbeddedWorkload
{
    public static async Task<IReadOnlyList<PhaseFigures>> RunAsync(Load load, bool recorded)
    {
        using var directory = new TemporaryDirectory();
        using var journal = RelocationJournal.Open(directory.File("relocations.db"));
        await using var agent = new NoOpAgent();
        await using var dispatcher = AgentDispatcher.OverSockets(_ => agent.Socket);
        var figures = new List<PhaseFigures>();
        foreach (var (number, phase) in load.Phases.Index())
        {
            var ids = Enumerable.Range(0, phase.Workflows).Select(index => $"bench-{number}-{index}").ToList();
            foreach (var id in ids)
                journal.Create(NoOpPlan.Of(id, load.Steps, NoOpPlan.Kind(recorded)));
            var cpu = Environment.CpuUsage.TotalTime;
            var began = Stopwatch.GetTimestamp();
            await RunAllAsync(new EmbeddedEngine(journal, dispatcher, new EmbeddedEngineOptions { MaximumConcurrentRelocations = phase.AtOnce }), journal);
            var length = Stopwatch.GetElapsedTime(began);
            figures.Add(PhaseFigures.Of(phase, load.Steps, length, [.. ids.Select(id => LengthOf(journal, id))]) with { CpuSeconds = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds });
        }

        return figures;
    }

    private static async Task RunAllAsync(EmbeddedEngine engine, RelocationJournal journal)
    {
        using var stopping = new CancellationTokenSource();
        var running = engine.RunAsync(stopping.Token);
        while (journal.ListOpen().Count > 0 && !running.IsCompleted)
            await Task.Delay(5, CancellationToken.None);
        await stopping.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (running.IsFaulted)
            await running;
    }

    private static TimeSpan LengthOf(RelocationJournal journal, string id)
    {
        var events = journal.Read(id);
        return events[^1].Event is RelocationEnded { Outcome: Core.Saga.RelocationOutcome.Completed } ended
            ? ended.At - events[0].Event.At
            : throw new BenchmarkException($"{id} did not complete: {events[^1].Event}");
    }
}
