using System.Globalization;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Cli.Running;

/// <summary>One line for each thing that happened, as it happens; for logs and pipes.</summary>
/// <param name="output">Where to; standard error when standard output carries a document.</param>
internal sealed class PlainProgress(TextWriter output) : IProgressView
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);
    private readonly Dictionary<string, DateTimeOffset> _started = new(StringComparer.Ordinal);
    private readonly HashSet<string> _cancelled = new(StringComparer.Ordinal);
    private int _shown;
    private string? _notice;
    private bool _waits;

    public async Task RunAsync(RelocationView view, Task done)
    {
        while (!done.IsCompleted)
        {
            await ShowAsync(view);
            await Task.WhenAny(done, Task.Delay(Poll));
        }

        await ShowAsync(view);
    }

    public void Abort(string signalId) => output.WriteLine("Ctrl-C: aborting (again: leave at once)");

    private async Task ShowAsync(RelocationView view)
    {
        var state = (await view.RefreshAsync(CancellationToken.None)).State;
        foreach (var happened in view.Events.Skip(_shown).ToList())
        {
            _shown++;
            if (Line(happened, state) is { } line)
                Say(happened.At, line);
        }

        if (view.Log.Notice is var notice && notice != _notice)
            Say(TimeProvider.System.GetUtcNow(), (_notice = notice) ?? "nothing hinders it any more");
        if (state.AwaitsApproval != _waits && (_waits = state.AwaitsApproval))
            Say(TimeProvider.System.GetUtcNow(), $"waits for approval: 'relocate approve {view.Id}' lets it cut over");
        output.Flush();
    }

    private void Say(DateTimeOffset at, string what) => output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{at:HH:mm:ss.fff} {what}"));

    private string? Line(SagaEvent happened, SagaState state)
    {
        switch (happened)
        {
            case StepStarted started:
                _started[Name(started.Step, started.Direction)] = started.At;
                return null;
            case StepCompleted completed:
                return $"{Name(completed.Step, completed.Direction),-24} done   {Took(Name(completed.Step, completed.Direction), completed.At)}";
            case CancelRequested cancel:
                _cancelled.Add(Name(cancel.Step, cancel.Direction));
                return null;
            case StepFailed failed when _cancelled.Contains(Name(failed.Step, failed.Direction)):
                return $"{Name(failed.Step, failed.Direction),-24} cancelled";
            case StepLapsed lapsed when _cancelled.Contains(Name(lapsed.Step, lapsed.Direction)):
                return $"{Name(lapsed.Step, lapsed.Direction),-24} cancelled";
            case StepFailed failed:
                return $"{Name(failed.Step, failed.Direction),-24} FAILED {failed.Failure.Message}";
            case StepLapsed lapsed:
                return $"{Name(lapsed.Step, lapsed.Direction),-24} LAPSED {lapsed.Failure.Message}";
            case SignalReceived signal:
                return $"{signal.Signal.GetType().Name.ToLowerInvariant()}: {state.Answer(signal.SignalId)?.Answer}";
            case PointOfNoReturnPassed:
                return "point of no return: from here on it only goes forward";
            case AttentionRequested attention:
                return $"needs attention: {attention.Reason}";
            case RelocationEnded ended:
                return $"{ended.Outcome.ToString().ToLowerInvariant()}{(ended.Reason is null ? "" : $": {ended.Reason}")}";
            default:
                return null;
        }
    }

    private string Took(string name, DateTimeOffset at) =>
        _started.TryGetValue(name, out var started) ? string.Create(CultureInfo.InvariantCulture, $"{(at - started).TotalMilliseconds,8:0} ms") : "";

    private static string Name(string step, StepDirection direction) => direction == StepDirection.Do ? step : $"undo {step}";
}
