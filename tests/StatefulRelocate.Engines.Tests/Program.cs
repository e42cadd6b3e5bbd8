using System.Diagnostics;
using System.Globalization;
using StatefulRelocate.Activities;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Engines.Tests.Rig;

namespace StatefulRelocate.Engines.Tests;

/// <summary>Runs the tests, or is an engine process that a test kills.</summary>
public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["append", var path, _]:
                using (var journal = RelocationJournal.Open(path))
                {
                    journal.Create(Plans.Short());
                    journal.Append("shop-a-b-1", 0, [JournalTests.Started(1), JournalTests.Completed(1), JournalTests.Started(2)]);
                    KillSelf();
                }

                return 0;

            case ["engine", var agents, var moment, .. var journals]:
                foreach (var path in journals)
                    await RunEngineAsync(path, agents, int.Parse(moment, CultureInfo.InvariantCulture));
                return 0;

            case ["agent", var directory]:
                await RunAgentAsync(directory);
                return 0;

            default:
                return await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
        }
    }

    /// <summary>
    /// What <c>relocate run</c> does: carries out when no other engine does, else follows and takes its place. Kills itself at a moment, counted
    /// from 1: each commit, right after it, and each answer of an agent, right before its commit.
    /// </summary>
    private static async Task RunEngineAsync(string path, string agents, int moment)
    {
        var moments = 0;
        void Moment()
        {
            if (Interlocked.Increment(ref moments) == moment)
                KillSelf();
        }

        using var journal = RelocationJournal.Open(path);
        var relocation = journal.List()[0].Id;
        await using var sockets = AgentDispatcher.OverSockets(cluster => Path.Combine(agents, cluster, "agent.sock"));
        while (journal.Find(relocation) is { Ended: false })
        {
            using var held = EngineLock.TryTake(path + ".lock");
            if (held is null)
            {
                await File.WriteAllTextAsync($"{path}.followed-by-{Environment.ProcessId}", "");
                await Task.Delay(5);
                continue;
            }

            await new EmbeddedEngine(journal, new Watched(sockets, Moment), new EmbeddedEngineOptions { Committed = _ => Moment() })
                .RunUntilSettledAsync(relocation, CancellationToken.None);
        }
    }

    /// <summary>An agent that notes its effects in a file; the starts of relocations that are to go back fail.</summary>
    private static async Task RunAgentAsync(string directory)
    {
        await using var agent = new ScriptedAgent(directory);
        agent.Noted = request =>
        {
            lock (agent)
                File.AppendAllText(Path.Combine(directory, "effects"), request.Name() + "\n");
        };
        agent.Deeds["start"] = (context, _) => context.Request.RelocationId.StartsWith("back", StringComparison.Ordinal)
            ? throw new ActivityException("broken", "the disk is full", retryable: false)
            : Task.FromResult(new StepOutput());
        await Task.Delay(Timeout.Infinite);
    }

    private static void KillSelf()
    {
        using var self = Process.GetCurrentProcess();
        self.Kill();
        Thread.Sleep(Timeout.Infinite);
    }

    private sealed class Watched(AgentDispatcher agents, Action answered) : IActivityDispatcher
    {
        public async Task<StepOutput> RunAsync(ActivityRequest request, Action<ActivityProgress> heartbeat, CancellationToken cancellationToken)
        {
            try
            {
                return await agents.RunAsync(request, heartbeat, cancellationToken);
            }
            finally
            {
                // Its output is there, or its failure; the journal knows of neither.
                answered();
            }
        }
    }
}
