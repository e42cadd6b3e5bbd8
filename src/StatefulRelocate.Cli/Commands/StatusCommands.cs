using System.CommandLine;
using System.Globalization;
using StatefulRelocate.Cli.Running;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Cli.Commands;

/// <summary><c>relocate list</c>, <c>status</c> and <c>watch</c>: what an engine tells, from any terminal.</summary>
internal static class StatusCommands
{
    public static IEnumerable<Command> Create(EngineOption engine) => [List(engine), Status(engine), Watch(engine)];

    private static Command List(EngineOption engine)
    {
        var command = new Command("list", "List the relocations of this state directory, or of a Temporal server, oldest first.") { engine.Option };
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var runs = await engine.OpenAsync(parse, cancellationToken);
            var all = await runs.ListAsync(cancellationToken);
            if (all.Count == 0)
                Console.WriteLine("no relocation was ever run here");
            foreach (var relocation in all)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{relocation.Id}  {relocation.StartedAt:yyyy-MM-dd HH:mm:ss}  {relocation.Describe()}"));
            return ExitCode.Completed;
        });
        return command;
    }

    private static Command Status(EngineOption engine)
    {
        var id = IdArgument();
        var json = new Option<bool>("--json") { Description = "The report so far, as one JSON document." };
        var command = new Command("status", "Show where a relocation is. Exit code as of 'run' once it is over.") { id, engine.Option, json };
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var runs = await engine.OpenAsync(parse, cancellationToken);
            using var view = await OpenAsync(runs, parse.GetValue(id), cancellationToken);
            if (parse.GetValue(json))
                RunCommands.Report(view, json: true);
            else
                await PrintAsync(view, cancellationToken);
            return RelocationSession.ExitCodeOf(view.State);
        });
        return command;
    }

    private static Command Watch(EngineOption engine)
    {
        var id = IdArgument();
        var command = new Command("watch", "Follow a relocation until it is over or needs a person; Ctrl-C only stops watching.") { id, engine.Option };
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var runs = await engine.OpenAsync(parse, cancellationToken);
            using var view = await OpenAsync(runs, parse.GetValue(id), cancellationToken);
            using var interrupts = new InterruptKeys();
            var done = WaitUntilSettledAsync(view, interrupts.First);
            await RunCommands.ProgressFor(json: false).RunAsync(view, done);
            return await done ? RelocationSession.ExitCodeOf(view.State) : ExitCode.Interrupted;
        });
        return command;
    }

    private static async Task<RelocationView> OpenAsync(IRelocationEngine engine, string? id, CancellationToken cancellationToken)
    {
        var found = await engine.FindAsync(id, openOnly: false, cancellationToken);
        return await RelocationView.OpenAsync(await engine.OpenAsync(found, cancellationToken), cancellationToken);
    }

    private static async Task<bool> WaitUntilSettledAsync(RelocationView view, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if ((await view.RefreshAsync(CancellationToken.None)).State.IsSettled)
                return true;
            view.DemandAlive();
            await Task.Delay(20, stop).ContinueWith(static _ => { }, TaskScheduler.Default);
        }

        return false;
    }

    private static async Task PrintAsync(RelocationView view, CancellationToken cancellationToken)
    {
        var state = view.State;
        Console.WriteLine($"{view.Id}: {SagaPhase.Describe(state)}");
        if ((state.OutcomeReason ?? state.Attention ?? state.Compensation?.Reason) is { } reason)
            Console.WriteLine($"  {reason}");
        var progress = await view.ReadProgressAsync(cancellationToken);
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

        foreach (var line in await view.Log.DescribeEngineAsync(cancellationToken))
            Console.WriteLine($"  {line}");
        if (state is { Outcome: null, AwaitsApproval: true } && view.Log.Gone is null)
            Console.WriteLine($"  'relocate approve {view.Id}' lets it cut over");
    }

    private static Argument<string?> IdArgument() => new("ID")
    {
        Description = "The relocation, or the beginning of its id. Default: the only open one, else the last.",
        Arity = ArgumentArity.ZeroOrOne,
    };
}
