using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Cli.Running;

/// <summary>Brings one relocation to where it is over or needs a person, and shows it meanwhile.</summary>
internal sealed class RelocationSession(IRelocationEngine engine)
{
    private static readonly TimeSpan SendAgain = TimeSpan.FromSeconds(1);

    /// <summary>A new id for something that is said to a relocation.</summary>
    public static string NewSignalId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString("N");

    /// <summary>Carries it on or follows it. Ctrl-C aborts it and goes on to the end of the undoing; a second one leaves.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(RelocationView view, IProgressView progress)
    {
        using var interrupts = new InterruptKeys();
        using var leave = new CancellationTokenSource();
        await using var aborting = interrupts.First.Register(() => _ = AbortAsync(view, progress, leave.Token));
        await using var leaving = interrupts.Second.Register(leave.Cancel);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var showing = Task.Run(() => progress.RunAsync(view, done.Task));
        try
        {
            await engine.CarryOnAsync(view, leave.Token);
        }
        catch (OperationCanceledException) when (leave.IsCancellationRequested)
        {
            // Left; the engine has it all.
        }
        finally
        {
            done.TrySetResult();
            await showing;
        }

        if (leave.IsCancellationRequested && !view.IsSettled)
        {
            await Console.Error.WriteLineAsync($"relocate: {engine.Left(view.Id)}");
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

    /// <summary>Under one id, so that it counts once however often it is sent.</summary>
    private async Task AbortAsync(RelocationView view, IProgressView progress, CancellationToken leave)
    {
        var id = NewSignalId();
        progress.Abort(id);
        while (!view.IsSettled && !leave.IsCancellationRequested)
        {
            try
            {
                await engine.SendAsync(view.Id, new Abort("aborted by Ctrl-C"), id, leave);
                return;
            }
            catch (RelocateException error)
            {
                await Console.Error.WriteLineAsync($"relocate: {error.Message}");
                await Task.Delay(SendAgain, leave).ContinueWith(static _ => { }, TaskScheduler.Default);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
