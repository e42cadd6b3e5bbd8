using System.Globalization;
using Spectre.Console;
using StatefulRelocate.Cli.Reports;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines;

namespace StatefulRelocate.Cli.Running;

/// <summary>A table of steps with bars, redrawn in place; for terminals.</summary>
/// <param name="journalDirectory">Where the progress of steps in flight lies.</param>
internal sealed class LiveProgress(string journalDirectory) : IProgressView
{
    private const int BarWidth = 24;
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(100);
    private volatile string? _abort;

    public async Task RunAsync(JournalView view, Task done) =>
        await AnsiConsole.Live(new Text("")).StartAsync(async live =>
        {
            while (true)
            {
                var last = done.IsCompleted;
                live.UpdateTarget(Draw(view));
                live.Refresh();
                if (last)
                    return;
                await Task.WhenAny(done, Task.Delay(Frame));
            }
        });

    public void Abort(string signalId) => _abort = signalId;

    private Grid Draw(JournalView view)
    {
        var state = view.Refresh().State;
        var spec = state.Plan.Spec;
        var progress = ProgressBoard.Read(journalDirectory, view.Relocation.Id);
        var table = new Table { Border = TableBorder.None, ShowHeaders = false };
        table.AddColumns("", "", "", "");
        foreach (var step in state.Steps)
        {
            Row(table, step, StepDirection.Do, progress);
            if (step.Undo.Dispatched)
                Row(table, step, StepDirection.Undo, progress);
        }

        var grid = new Grid();
        grid.AddColumn();
        grid.AddRow(new Markup($"[bold]{Markup.Escape(spec.App)}[/]  {Markup.Escape(spec.Source)} → {Markup.Escape(spec.Target)}  [grey]{Markup.Escape(view.Relocation.Id)}[/]"));
        grid.AddRow(table);
        grid.AddRow(new Markup(Bottom(state)));
        return grid;
    }

    private string Bottom(SagaState state)
    {
        var text = Markup.Escape(JournalView.Describe(state));
        if ((state.OutcomeReason ?? state.Attention ?? state.Compensation?.Reason) is { } reason)
            text += $": {Markup.Escape(reason)}";
        if (state.AwaitsApproval)
            text += $" [grey](relocate approve {Markup.Escape(state.Plan.RelocationId)})[/]";
        if (_abort is { } abort)
            text += state.Answer(abort) is { } answer ? $"  [yellow]abort: {Markup.Escape(answer.Answer)}[/]" : "  [yellow]aborting; Ctrl-C again leaves[/]";
        return text;
    }

    private static void Row(Table table, StepState step, StepDirection direction, IReadOnlyDictionary<string, ActivityProgress> progress)
    {
        var run = step.Run(direction);
        var mark = run.Status switch
        {
            RunStatus.Completed => "[green]✓[/]",
            RunStatus.Failed => "[red]✗[/]",
            RunStatus.Lapsed => "[red]?[/]",
            RunStatus.Running => "[yellow]▸[/]",
            _ => "[grey]·[/]",
        };
        var took = run is { StartedAt: { } started, EndedAt: { } ended } ? Quantities.Milliseconds((ended - started).TotalMilliseconds) : "";
        var name = Markup.Escape(direction == StepDirection.Do ? step.Id : $"undo {step.Id}");
        var detail = run.Status == RunStatus.Running && progress.TryGetValue(step.Id, out var at) ? Bar(at) : Markup.Escape(run.Failure?.Message ?? "");
        table.AddRow(mark, run.Status == RunStatus.Pending ? $"[grey]{name}[/]" : name, took, detail);
    }

    private static string Bar(ActivityProgress progress)
    {
        var doing = Markup.Escape(progress.Doing ?? "");
        if (progress.BytesTotal is not > 0)
            return progress.BytesDone > 0 ? $"{Quantities.Bytes(progress.BytesDone)} {doing}" : doing;
        var share = Math.Clamp((double)progress.BytesDone / progress.BytesTotal.Value, 0, 1);
        var full = (int)(share * BarWidth);
        return string.Create(CultureInfo.InvariantCulture, $"[green]{new string('█', full)}[/][grey]{new string('░', BarWidth - full)}[/] {share,4:0%} of {Quantities.Bytes(progress.BytesTotal.Value)} {doing}");
    }
}
