using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Activities.Streams;

/// <summary>An effect in flight, or waiting for older ones to end.</summary>
internal sealed class RunningEffect : IDisposable
{
    private readonly CancellationTokenSource _cancel;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public RunningEffect(ActivityRequest request, CancellationToken cancelled)
    {
        Request = request;
        _cancel = CancellationTokenSource.CreateLinkedTokenSource(cancelled);
        Token = _cancel.Token;
    }

    public ActivityRequest Request { get; }

    public CancellationToken Token { get; }

    public Task Ended => _ended.Task;

    public bool Superseded { get; private set; }

    /// <summary>
    /// What this one cancels: every older attempt of its step, for a take-over all of another run, and for an undo every do of the app, but none of a newer relocation: an undo whose lease
    /// was never answered knows no epoch, is not refused for it, and may come late.
    /// </summary>
    public bool Supersedes(RunningEffect older) => older.Request.RelocationId == Request.RelocationId
        ? older.Request.Step == Request.Step || IsUndoOf(older) || (Request.Kind == StepKind.TakeOver && older.Request.Run != Request.Run)
        : IsUndoOf(older) && older.Request.Epoch > 0 && older.Request.Epoch <= Request.Epoch;

    public void Supersede()
    {
        Superseded = true;
        // Callbacks of the token run activities' code; the caller holds the app's lock.
        _ = _cancel.CancelAsync();
    }

    private bool IsUndoOf(RunningEffect older) => Request.Direction == StepDirection.Undo && older.Request.Direction == StepDirection.Do;

    public void End() => _ended.TrySetResult();

    public void Dispose() => _cancel.Dispose();
}
