using System.CommandLine;
using System.Globalization;
using StatefulRelocate.Cli.Running;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines;

namespace StatefulRelocate.Cli.Commands;

/// <summary><c>relocate list</c>, <c>status</c> and <c>watch</c>: what the journal tells, from any terminal.</summary>
internal static class StatusCommands
{
    public static IEnumerable<Command> Create(GlobalOptions globals) => [List(globals), Status(globals), Watch(globals)];

    private static Command List(GlobalOptions globals)
    {
        var command = new Command("list", "List the relocations of this state directory, oldest first.");
        command.SetAction(parse =>
        {
            var location = new JournalLocation(globals.StateDirectory(parse));
            if (!RelocationJournal.Exists(location.File))
            {
                Console.WriteLine("no relocation was ever run here");
                return ExitCode.Completed;
            }

            using var journal = RelocationJournal.Open(location.File);
            foreach (var relocation in journal.List())
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{relocation.Id}  {relocation.CreatedAt:yyyy-MM-dd HH:mm:ss}  {Describe(journal, relocation)}"));
            }

            return ExitCode.Completed;
        });
        return command;
    }

    private static string Describe(RelocationJournal journal, JournaledRelocation relocation)
    {
        try
        {
            return JournalView.Describe(new JournalView(journal, relocation).State);
        }
        catch (RelocateException error)
        {
            // One that this program cannot follow hides none of the others.
            return $"halted: {error.Message}";
        }
    }

    private static Command Status(GlobalOptions globals)
    {
        var id = IdArgument();
        var json = new Option<bool>("--json") { Description = "The report so far, as one JSON document." };
        var command = new Command("status", "Show where a relocation is. Exit code as of 'run' once it is over.") { id, json };
        command.SetAction(parse =>
        {
            var location = new JournalLocation(globals.StateDirectory(parse));
            using var journal = location.OpenExisting();
            var view = new JournalView(journal, JournalLocation.Find(journal, parse.GetValue(id), openOnly: false));
            if (parse.GetValue(json))
                RunCommands.Report(view, journal, json: true);
            else
                Print(view, location);
            return RelocationSession.ExitCodeOf(view.State);
        });
        return command;
    }

    private static Command Watch(GlobalOptions globals)
    {
        var id = IdArgument();
        var command = new Command("watch", "Follow a relocation until it is over or needs a person; Ctrl-C only stops watching.") { id };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var location = new JournalLocation(globals.StateDirectory(parse));
            using var journal = location.OpenExisting();
            var view = new JournalView(journal, JournalLocation.Find(journal, parse.GetValue(id), openOnly: false));
            using var interrupts = new InterruptKeys();
            var done = WaitUntilSettledAsync(view, interrupts.First);
            await RunCommands.ProgressFor(location, json: false).RunAsync(view, done);
            return await done ? RelocationSession.ExitCodeOf(view.State) : ExitCode.Interrupted;
        });
        return command;
    }

    private static async Task<bool> WaitUntilSettledAsync(JournalView view, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (view.Refresh().IsSettled)
                return true;
            await Task.Delay(20, stop).ContinueWith(static _ => { }, TaskScheduler.Default);
        }

        return false;
    }

    private static void Print(JournalView view, JournalLocation location)
    {
        var state = view.State;
        Console.WriteLine($"{view.Relocation.Id}: {JournalView.Describe(state)}");
        if ((state.OutcomeReason ?? state.Attention ?? state.Compensation?.Reason) is { } reason)
            Console.WriteLine($"  {reason}");
        if (view.Relocation is { Ended: false, Halted: { } halted })
            Console.WriteLine($"  halted: {halted}");
        var progress = ProgressBoard.Read(location.Directory, view.Relocation.Id);
        var width = state.Steps.Max(step => step.Id.Length) + "undo ".Length;
        foreach (var step in state.Steps)
        {
            foreach (var direction in (ReadOnlySpan<StepDirection>)[StepDirection.Do, StepDirection.Undo])
            {
                var run = step.Run(direction);
                if (!run.Dispatched && run.Status == RunStatus.Pending)
                    continue;
                var name = direction == StepDirection.Do ? step.Id : $"undo {step.Id}";
                var took = run is { StartedAt: { } started, EndedAt: { } ended } ? string.Create(CultureInfo.InvariantCulture, $"{(ended - started).TotalMilliseconds:0} ms") : "";
                var detail = run.Status == RunStatus.Running && progress.TryGetValue(step.Id, out var at) ? at.Doing : run.Failure?.Message;
                Console.WriteLine($"  {name.PadRight(width)}  {run.Status.ToString().ToLowerInvariant(),-9}  {took,10}  {detail}".TrimEnd());
            }
        }

        if (state.Outcome is null)
            Console.WriteLine(Engine(location));
        if (state is { Outcome: null, AwaitsApproval: true })
            Console.WriteLine($"  'relocate approve {view.Relocation.Id}' lets it cut over");
    }

    private static string Engine(JournalLocation location)
    {
        using var free = EngineLock.TryTake(location.Lock);
        return free is null
            ? $"  the engine runs (process {EngineLock.LastHolder(location.Lock)?.ToString(CultureInfo.InvariantCulture) ?? "unknown"})"
            : "  no engine runs; 'relocate resume' starts one";
    }

    private static Argument<string?> IdArgument() => new("ID")
    {
        Description = "The relocation, or the beginning of its id. Default: the only open one, else the last.",
        Arity = ArgumentArity.ZeroOrOne,
    };
}
