using System.Security.Cryptography;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines;

namespace StatefulRelocate.Cli.Running;

/// <summary>
/// Brings one relocation to where it is over or needs a person: by an engine in this process when none runs, else by following the one that
/// does, and taking its place when it ends.
/// </summary>
internal sealed class RelocationSession(JournalLocation location, RelocationJournal journal, RelocateConfig config)
{
    private static readonly TimeSpan FollowPoll = TimeSpan.FromMilliseconds(20);

    /// <summary>Runs or follows it. Ctrl-C aborts it and goes on to the end of the undoing; a second one leaves.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(JournalView view, IProgressView progress)
    {
        using var interrupts = new InterruptKeys();
        using var leave = new CancellationTokenSource();
        await using var aborting = interrupts.First.Register(() => progress.Abort(journal.Signal(view.Relocation.Id, new Abort("aborted by Ctrl-C"))));
        await using var leaving = interrupts.Second.Register(leave.Cancel);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var showing = Task.Run(() => progress.RunAsync(view, done.Task));
        try
        {
            while (!view.Refresh().IsSettled && !leave.IsCancellationRequested)
            {
                using var engine = EngineLock.TryTake(location.Lock);
                if (engine is not null)
                    await CarryOutAsync(view.Relocation.Id, leave.Token);
                else
                    await Task.Delay(FollowPoll, leave.Token);
            }
        }
        catch (OperationCanceledException) when (leave.IsCancellationRequested)
        {
            // Left; the journal has it all.
        }
        finally
        {
            done.TrySetResult();
            await showing;
        }

        if (leave.IsCancellationRequested && !view.Refresh().IsSettled)
        {
            await Console.Error.WriteLineAsync($"relocate: left in the middle; 'relocate resume {view.Relocation.Id}' finishes it");
            return ExitCode.Interrupted;
        }

        return ExitCodeOf(view.State);
    }

    /// <summary>The exit code of a relocation; one that still runs is no failure.</summary>
    public static int ExitCodeOf(SagaState state) => state switch
    {
        { Outcome: RelocationOutcome.Completed } => ExitCode.Completed,
        { Outcome: not null } => ExitCode.Compensated,
        { Attention: not null } => ExitCode.NeedsAttention,
        _ => ExitCode.Completed,
    };

    private async Task CarryOutAsync(string relocationId, CancellationToken cancellationToken)
    {
        await using var dispatcher = AgentDispatcher.OverSockets(cluster => ClusterEntry.One(config, location.StateDirectory, config.Path ?? "configuration", cluster).Socket);
        var engine = new EmbeddedEngine(journal, dispatcher, new EmbeddedEngineOptions
        {
            JitterSeed = RandomNumberGenerator.GetInt32(int.MaxValue),
            Progress = new ProgressBoard(location.Directory, TimeProvider.System),
        });
        await engine.RunUntilSettledAsync(relocationId, cancellationToken);
    }
}
