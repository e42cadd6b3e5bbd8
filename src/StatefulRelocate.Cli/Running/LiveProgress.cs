using System.Globalization;
using Spectre.Console;
using StatefulRelocate.Cli.Reports;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Cli.Running;

/// <summary>A table of steps with bars, redrawn in place; for terminals.</summary>
internal sealed class LiveProgress : IProgressView
{
    private const int BarWidth = 24;
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(100);
    private volatile string? _abort;

    public async Task RunAsync(RelocationView view, Task done) =>
        await AnsiConsole.Live(new Text("")).StartAsync(async live =>
        {
            while (true)
            {
                var last = done.IsCompleted;
                live.UpdateTarget(await DrawAsync(view));
                live.Refresh();
                if (last)
                    return;
                await Task.WhenAny(done, Task.Delay(Frame));
            }
        });

    public void Abort(string signalId) => _abort = signalId;

    private async Task<Grid> DrawAsync(RelocationView view)
    {
        var state = (await view.RefreshAsync(CancellationToken.None)).State;
        var spec = state.Plan.Spec;
        var progress = await view.ReadProgressAsync(CancellationToken.None);
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
        grid.AddRow(new Markup($"[bold]{Markup.Escape(spec.App)}[/]  {Markup.Escape(spec.Source)} → {Markup.Escape(spec.Target)}  [grey]{Markup.Escape(view.Id)}[/]"));
        grid.AddRow(table);
        grid.AddRow(new Markup(Bottom(state)));
        if (view.Log.Notice is { } notice)
            grid.AddRow(new Markup($"[yellow]{Markup.Escape(notice)}[/]"));
        return grid;
    }

    private string Bottom(SagaState state)
    {
        var text = Markup.Escape(SagaPhase.Describe(state));
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
