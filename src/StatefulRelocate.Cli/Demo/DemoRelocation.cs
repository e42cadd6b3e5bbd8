using StatefulRelocate.Core.Errors;
using StatefulRelocate.Engines.Faults;

namespace StatefulRelocate.Cli.Demo;

/// <summary>The relocation of the demo: <c>relocate run</c> as a process of its own, and <c>relocate resume</c> when that was killed.</summary>
internal sealed class DemoRelocation(DemoOptions options, DemoSandbox sandbox, DemoPrograms programs, DemoRecord record, DemoOutput output)
{
    private const int KilledExitCode = 128 + Signals.Kill;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);
    private readonly DemoCommands _commands = new(sandbox, programs);

    /// <summary>What the engine keeps of it.</summary>
    public DemoRecord Record => record;

    /// <summary>What the engine said last on standard error.</summary>
    public string? LastError { get; private set; }

    /// <summary>How the last engine process ended.</summary>
    public int LastExitCode { get; private set; }

    /// <summary>Runs it to its end. Returns whether it was left before that, by a second Ctrl-C.</summary>
    public async Task<bool> RunAsync(Interrupts interrupts)
    {
        List<string> arguments = ["run", "-f", sandbox.RelocationFile, "--id", record.Id];
        if (options.FailAt is { } failAt)
            arguments.AddRange(["--fail-at", failAt]);
        if (options.CrashAt is { } crashAt)
            arguments.AddRange(["--crash-at", crashAt]);
        using var ended = new CancellationTokenSource();
        var following = new DemoProgress(record, output).FollowAsync(ended.Token);
        try
        {
            while (true)
            {
                using var engine = _commands.Start(arguments, "engine");
                if (await WaitAsync(engine, interrupts) is not { } exitCode)
                    return true;
                (LastExitCode, LastError) = (exitCode, engine.LastError);
                if (exitCode != KilledExitCode || await record.ReadAsync(CancellationToken.None) is null)
                    return false;
                var fault = record.Faults().FirstOrDefault(static fault => fault.Fault.Action == FaultAction.Crash);
                output.Say($"the engine (process {engine.Id}) was killed{(fault?.Step is { } step ? $" at {step}" : "")}; 'relocate resume' goes on");
                arguments = ["resume", record.Id];
            }
        }
        finally
        {
            await ended.CancelAsync();
            await following;
        }
    }

    /// <summary>The exit code, or null when a second Ctrl-C came first.</summary>
    private async Task<int?> WaitAsync(ChildProcess engine, Interrupts interrupts)
    {
        var ended = engine.WaitAsync(CancellationToken.None);
        using var abort = interrupts.First.Register(() => _ = AbortAsync(ended));
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var leave = interrupts.Second.Register(left.SetResult);
        if (await Task.WhenAny(ended, left.Task) == ended)
            return (await ended).ExitCode;
        await engine.StopAsync(Grace);
        return null;
    }

    private async Task AbortAsync(Task ended)
    {
        output.Say("Ctrl-C: aborting; everything is undone (again: leave at once)");
        try
        {
            // Before it is there, there is nothing to abort; it is a matter of milliseconds.
            while (!ended.IsCompleted)
            {
                if (await record.ReadAsync(CancellationToken.None) is not null)
                {
                    output.Say((await _commands.RunAsync(["abort", record.Id], CancellationToken.None)).Trim());
                    return;
                }

                await Task.Delay(20);
            }
        }
        catch (RelocateException refused)
        {
            output.Say(refused.Message);
        }
    }
}
