using System.CommandLine;
using StatefulRelocate.Cli.Running;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Cli.Commands;

/// <summary><c>relocate approve</c>, <c>pause</c>, <c>abort</c> and <c>resume</c>: what people say to a relocation, from any terminal.</summary>
internal static class SignalCommands
{
    public static IEnumerable<Command> Create(GlobalOptions globals, EngineOption engine) =>
    [
        Signal(engine, "approve", "Open the gate: let the cutover begin.", () => new Approve(Environment.UserName)),
        Signal(engine, "pause", "Dispatch no new step, outside the blackout.", () => new Pause()),
        Resume(globals, engine),
        Signal(engine, "abort", "Undo everything; refused past the point of no return.", () => new Abort()),
    ];

    private static Command Signal(EngineOption engine, string name, string description, Func<Signal> signal)
    {
        var id = IdArgument();
        var command = new Command(name, description) { id, engine.Option };
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var runs = await engine.OpenAsync(parse, cancellationToken);
            var found = await runs.FindAsync(parse.GetValue(id), openOnly: true, cancellationToken);
            return await TellAsync(runs, found, signal(), quiet: false, cancellationToken) ? ExitCode.Completed : ExitCode.BadInput;
        });
        return command;
    }

    private static Command Resume(GlobalOptions globals, EngineOption engine)
    {
        var id = IdArgument();
        var done = new Option<string?>("--done") { Description = "Count a step (or, while undoing, its undo) as done by hand.", HelpName = "STEP" };
        var reason = new Option<string?>("--reason") { Description = "How you know that it is done; goes into the journal.", HelpName = "TEXT" };
        var json = new Option<bool>("--json") { Description = "The report as one JSON document on standard output." };
        var command = new Command("resume", "Go on with a relocation: after a crash, a pause, or when it needs a person. Runs an engine when none runs.") { id, engine.Option, done, reason, json };
        command.SetAction(async (parse, cancellationToken) =>
        {
            if ((parse.GetValue(done) is null) != (parse.GetValue(reason) is null))
                throw new RelocateException("--done STEP and --reason TEXT belong together");
            var (path, named) = globals.ConfigPath(parse);
            using var runs = await engine.OpenAsync(parse, ConfigFile.Load(path, named), cancellationToken);
            var found = await runs.FindAsync(parse.GetValue(id), openOnly: true, cancellationToken);
            var revived = await runs.ReviveAsync(found, cancellationToken);
            var state = await StateAsync(runs, found, cancellationToken);

            // What was just revived may be over before it is looked at.
            if (state.Outcome is not null && !revived)
                throw new RelocateException($"{found} is over: {SagaPhase.Describe(state)}");
            if (parse.GetValue(done) is { } step)
            {
                if (!await TellAsync(runs, found, new MarkDone(step, parse.GetRequiredValue(reason)!), parse.GetValue(json), cancellationToken))
                    return ExitCode.BadInput;
            }
            else if (state.PauseRequested || state.Attention is not null)
                await TellAsync(runs, found, new Resume(), parse.GetValue(json), cancellationToken);
            using var view = await RelocationView.OpenAsync(await runs.OpenAsync(found, cancellationToken), cancellationToken);
            return await RunCommands.FollowAsync(runs, view, parse.GetValue(json));
        });
        return command;
    }

    private static async Task<SagaState> StateAsync(IRelocationEngine engine, string id, CancellationToken cancellationToken)
    {
        using var view = await RelocationView.OpenAsync(await engine.OpenAsync(id, cancellationToken), cancellationToken);
        return view.State;
    }

    /// <summary>Sends a signal and prints what the machine decided.</summary>
    private static async Task<bool> TellAsync(IRelocationEngine engine, string id, Signal signal, bool quiet, CancellationToken cancellationToken)
    {
        var answer = await engine.SendAsync(id, signal, RelocationSession.NewSignalId(), cancellationToken);
        var output = answer.Accepted && !quiet ? Console.Out : Console.Error;
        output.WriteLine(answer.Accepted
            ? $"{id}: {answer.Answer}"
            : $"relocate: {signal.GetType().Name.ToLowerInvariant()} of {id} is refused: {answer.Answer}");
        return answer.Accepted;
    }

    private static Argument<string?> IdArgument() => new("ID")
    {
        Description = "The relocation, or the beginning of its id. Default: the only open one.",
        Arity = ArgumentArity.ZeroOrOne,
    };
}
