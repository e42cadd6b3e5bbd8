using Spectre.Console;
using StatefulRelocate.Cli.Reports;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Cli.Demo;

/// <summary>Follows the relocation and shows how far the relocation is: a bar and the current steps on a terminal, a line for each step elsewhere.</summary>
internal sealed class DemoProgress(DemoRecord record, DemoOutput output)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private readonly Dictionary<(string Step, StepDirection Direction), DateTimeOffset> _running = [];
    private readonly HashSet<string> _completed = new(StringComparer.Ordinal);
    private int _seen;
    private int _planned = 1;
    private bool _undoing;

    /// <summary>Returns soon after the cancellation, with everything shown that had happened by then.</summary>
    public async Task FollowAsync(CancellationToken ended)
    {
        if (!output.IsTerminal)
        {
            await PollAsync(Say, static () => { }, ended);
            return;
        }

        await AnsiConsole.Progress()
            .AutoClear(true)
            .Columns(new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(async context =>
            {
                var bar = context.AddTask("starting the engine");
                await PollAsync(AnsiConsole.WriteLine, () =>
                {
                    bar.MaxValue = Math.Max(_planned, _completed.Count);
                    bar.Value = _completed.Count;
                    bar.Description = Markup.Escape(Current());
                }, ended);
            });
    }

    private async Task PollAsync(Action<string> say, Action redraw, CancellationToken ended)
    {
        while (true)
        {
            var last = ended.IsCancellationRequested;
            await ReadAsync(say);
            redraw();
            if (last)
                return;
            await Task.WhenAny(Task.Delay(Interval, ended));
        }
    }

    private async Task ReadAsync(Action<string> say)
    {
        if (await record.ReadAsync(CancellationToken.None) is not { } view)
            return;
        var (plan, events) = (view.Log.Plan, view.Events);
        _planned = plan.Steps.Length;
        for (; _seen < events.Count; _seen++)
            if (Fold(plan, events[_seen]) is { } line)
                say(line);
    }

    private string? Fold(RelocationPlan plan, SagaEvent e)
    {
        switch (e)
        {
            case StepStarted started:
                _running[(started.Step, started.Direction)] = e.At;
                _undoing |= started.Direction == StepDirection.Undo;
                return null;
            case StepCompleted completed:
                if (completed.Direction == StepDirection.Do)
                    _completed.Add(completed.Step);
                else
                    _completed.Remove(completed.Step);
                return Ended(completed.Step, completed.Direction, e.At, Detail(completed));
            case StepFailed failed:
                return Ended(failed.Step, failed.Direction, e.At, $"failed: {failed.Failure.Message}");
            case StepLapsed lapsed:
                return Ended(lapsed.Step, lapsed.Direction, e.At, $"no answer in time: {lapsed.Failure.Message}");
            case PointOfNoReturnPassed:
                return $"point of no return: '{plan.Spec.App}' runs on {plan.Spec.Target}";
            case AttentionRequested attention:
                return $"needs attention: {attention.Reason}";
            case RelocationEnded ended:
                return $"{ReportTables.Outcome(ended.Outcome)}{(ended.Reason is null ? "" : $" ({ended.Reason})")}";
            default:
                return null;
        }
    }

    private string Ended(string step, StepDirection direction, DateTimeOffset at, string how)
    {
        var took = _running.Remove((step, direction), out var began) ? Quantities.Milliseconds((at - began).TotalMilliseconds) : "";
        return $"{Name(step, direction),-18} {took,9}  {how}";
    }

    private static string Detail(StepCompleted completed) => completed.Output.Figures is { } figures
        ? $"{Quantities.Bytes(figures.BytesScanned)} read, {Quantities.Bytes(figures.BytesShipped)} written"
        : "";

    private string Current() => _running.Count == 0
        ? "between two steps"
        : $"{(_undoing ? "undoing: " : "")}{string.Join(", ", _running.Keys.Select(static key => Name(key.Step, key.Direction)))}";

    private static string Name(string step, StepDirection direction) => direction == StepDirection.Do ? step : $"undo {step}";

    private void Say(string line) => output.Say(line.TrimEnd());
}
