using System.CommandLine;
using StatefulRelocate.Cli.Running;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines;

namespace StatefulRelocate.Cli.Commands;

/// <summary><c>relocate approve</c>, <c>pause</c>, <c>abort</c> and <c>resume</c>: what people say to a relocation, from any terminal.</summary>
internal static class SignalCommands
{
    public static IEnumerable<Command> Create(GlobalOptions globals) =>
    [
        Signal(globals, "approve", "Open the gate: let the cutover begin.", () => new Approve(Environment.UserName)),
        Signal(globals, "pause", "Dispatch no new step, outside the blackout.", () => new Pause()),
        Resume(globals),
        Signal(globals, "abort", "Undo everything; refused past the point of no return.", () => new Abort()),
    ];

    private static Command Signal(GlobalOptions globals, string name, string description, Func<Signal> signal)
    {
        var id = IdArgument();
        var command = new Command(name, description) { id };
        command.SetAction(parse =>
        {
            using var journal = new JournalLocation(globals.StateDirectory(parse)).OpenExisting();
            var relocation = JournalLocation.Find(journal, parse.GetValue(id), openOnly: true);
            return Tell(journal, relocation, signal()) ? ExitCode.Completed : ExitCode.BadInput;
        });
        return command;
    }

    private static Command Resume(GlobalOptions globals)
    {
        var id = IdArgument();
        var done = new Option<string?>("--done") { Description = "Count a step (or, while undoing, its undo) as done by hand.", HelpName = "STEP" };
        var reason = new Option<string?>("--reason") { Description = "How you know that it is done; goes into the journal.", HelpName = "TEXT" };
        var json = new Option<bool>("--json") { Description = "The report as one JSON document on standard output." };
        var command = new Command("resume", "Go on with a relocation: after a crash, a pause, or when it needs a person. Runs an engine when none runs.") { id, done, reason, json };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var location = new JournalLocation(globals.StateDirectory(parse));
            using var journal = location.OpenExisting();
            var relocation = JournalLocation.Find(journal, parse.GetValue(id), openOnly: true);
            if ((parse.GetValue(done) is null) != (parse.GetValue(reason) is null))
                throw new RelocateException("--done STEP and --reason TEXT belong together");
            var view = new JournalView(journal, relocation);
            if (view.State.Outcome is not null)
                throw new RelocateException($"{relocation.Id} is over: {JournalView.Describe(view.State)}");
            var (path, named) = globals.ConfigPath(parse);
            var config = ConfigFile.Load(path, named);
            if (parse.GetValue(done) is { } step)
            {
                if (!Tell(journal, relocation, new MarkDone(step, parse.GetRequiredValue(reason)!), parse.GetValue(json)))
                    return ExitCode.BadInput;
            }
            else if (view.State.PauseRequested || view.State.Attention is not null)
                Tell(journal, relocation, new Resume(), parse.GetValue(json));
            view.Refresh();
            var code = await new RelocationSession(location, journal, config).RunAsync(view, RunCommands.ProgressFor(location, parse.GetValue(json)));
            if (code != ExitCode.Interrupted)
                RunCommands.Report(view, journal, parse.GetValue(json));
            return code;
        });
        return command;
    }

    /// <summary>Sends a signal and prints what the machine decided: the order in the journal decides it, whether an engine runs or not.</summary>
    private static bool Tell(RelocationJournal journal, JournaledRelocation relocation, Signal signal, bool quiet = false)
    {
        var id = journal.Signal(relocation.Id, signal);
        var answer = new JournalView(journal, relocation).State.Answer(id)!;
        var output = answer.Accepted && !quiet ? Console.Out : Console.Error;
        output.WriteLine(answer.Accepted
            ? $"{relocation.Id}: {answer.Answer}"
            : $"relocate: {signal.GetType().Name.ToLowerInvariant()} of {relocation.Id} is refused: {answer.Answer}");
        return answer.Accepted;
    }

    private static Argument<string?> IdArgument() => new("ID")
    {
        Description = "The relocation, or the beginning of its id. Default: the only open one.",
        Arity = ArgumentArity.ZeroOrOne,
    };
}
