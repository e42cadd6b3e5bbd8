using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Activities.Streams;

/// <summary>The effects of one app: who may act, who has to end first.</summary>
internal sealed class AppEffects : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _undo = new(1, 1);
    private readonly List<RunningEffect> _running = [];
    private readonly EffectLog _log;

    private readonly Func<long> _adoptedEpoch;

    /// <param name="path">The durable log.</param>
    /// <param name="adoptedEpoch">The highest epoch of the agent's copy of the writer record: an operator may have broken the lease in favour of another.</param>
    public AppEffects(string path, Func<long> adoptedEpoch) => (_log, _adoptedEpoch) = (new EffectLog(path), adoptedEpoch);

    public long HighestEpoch
    {
        get
        {
            lock (_gate)
                return _log.HighestEpoch;
        }
    }

    public bool IsClosed(string relocation)
    {
        lock (_gate)
            return _log.IsClosed(relocation);
    }

    /// <inheritdoc cref="EffectLog.Recall"/>
    public (long Sequence, ImmutableArray<CapturedOutput> Outputs) Recall(string relocation)
    {
        lock (_gate)
            return _log.Recall(relocation);
    }

    public async Task CloseAsync(string relocation, CancellationToken cancellationToken)
    {
        Task ended;
        lock (_gate)
        {
            if (!_log.IsClosed(relocation))
                _log.Append(new EffectEntry { Relocation = relocation, Closed = true });
            ended = CancelWhere(effect => effect.Request.RelocationId == relocation && IsEndedByClosing(effect.Request));
        }

        await ended.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public async Task<IDisposable> EnterUndoAsync(CancellationToken cancellationToken)
    {
        await _undo.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new UndoTurn(_undo);
    }

    public async Task<StepOutput> RunAsync(ActivityRequest request, Func<CancellationToken, Task<StepOutput>> act, CancellationToken cancellationToken)
    {
        using var effect = new RunningEffect(request, cancellationToken);
        Task older;
        lock (_gate)
        {
            if (Admit(request) is { } done)
                return done;
            older = CancelWhere(effect.Supersedes);
            _running.Add(effect);
        }

        try
        {
            // Also when cancelled meanwhile: what is newer waits for us, and must not act before what is older than both has ended.
            await older.ConfigureAwait(false);
            using var turn = request.Direction == StepDirection.Undo ? await EnterUndoAsync(effect.Token).ConfigureAwait(false) : null;
            effect.Token.ThrowIfCancellationRequested();
            lock (_gate)
            {
                // The attempt that was cancelled may have come to its end all the same.
                if (Done(request) is { } meanwhile)
                    return meanwhile;
            }

            var began = TimeProvider.System.GetTimestamp();
            var output = await act(effect.Token).ConfigureAwait(false);
            output = output with { Took = TimeProvider.System.GetElapsedTime(began) };
            lock (_gate)
            {
                if (IsRecorded(request))
                    _log.Append(EntryOf(request) with { Output = output });
            }

            return output;
        }
        catch (OperationCanceledException error) when (effect.Token.IsCancellationRequested)
        {
            throw effect.Superseded
                ? Refused(request, "something newer took its place while it ran", error)
                : new ActivityException("cancelled", $"{request.Step} of {request.RelocationId} on {request.Cluster} was cancelled", retryable: false, error);
        }
        finally
        {
            lock (_gate)
                _running.Remove(effect);
            effect.End();
        }
    }

    public void Dispose()
    {
        _log.Dispose();
        _undo.Dispose();
    }

    /// <summary>The recorded output, or null once the mark is raised; a refusal throws. Under the lock.</summary>
    private StepOutput? Admit(ActivityRequest request)
    {
        var highest = Math.Max(_log.HighestEpoch, _adoptedEpoch());
        if (request.Epoch > 0 && request.Epoch < highest)
            throw Refused(request, $"its epoch {request.Epoch} is below {highest}: a newer relocation of {request.Spec.App} has begun");
        if (IsOfAnotherRun(request))
        {
            // Whoever takes over counts from anew: the marks before are another run's.
            if (request.Kind != StepKind.TakeOver)
                throw Refused(request, "another run of this relocation acted here; it was terminated, reset or started anew, and this one must take over first", code: FailureCode.AnotherRun);
            _log.Append(EntryOf(request));
            return null;
        }

        var mark = _log.Mark(request.RelocationId, request.Step);
        if ((request.Sequence, request.Attempt).CompareTo(mark) <= 0)
            throw Refused(request, $"attempt {request.Sequence}.{request.Attempt} comes after {mark.Sequence}.{mark.Attempt}");
        if (Done(request) is { } output)
            return output;
        var closed = _log.IsClosed(request.RelocationId);
        if (closed && IsEndedByClosing(request))
            throw Refused(request, "this relocation is being undone here");
        if (IsRecorded(request))
            _log.Append(EntryOf(request) with { Closed = closed || request.Direction == StepDirection.Undo });
        return null;
    }

    private StepOutput? Done(ActivityRequest request) =>
        _log.Done(request.RelocationId, request.Step, request.Direction, request.Sequence) is { } done && (request.Kind != StepKind.TakeOver || done.Run == request.Run)
            ? done.Output
            : null;

    private bool IsOfAnotherRun(ActivityRequest request) =>
        request.Run is { } run && _log.Run(request.RelocationId) is { } known && known != run && !request.EarlierRuns.Contains(known);

    private Task CancelWhere(Func<RunningEffect, bool> which)
    {
        var ended = new List<Task>();
        foreach (var effect in _running)
            if (which(effect))
            {
                effect.Supersede();
                ended.Add(effect.Ended);
            }

        return Task.WhenAll(ended);
    }

    private static bool IsEndedByClosing(ActivityRequest request) =>
        request.Direction == StepDirection.Do && request.Kind != StepKind.TakeOver && !StepKind.IsPastPointOfNoReturn(request.Kind);

    // A preflight changes nothing and comes before the relocation owns anything here: an app unknown to this cluster leaves no trace of it.
    private static bool IsRecorded(ActivityRequest request) => request.Kind != StepKind.Preflight;

    private static EffectEntry EntryOf(ActivityRequest request) => new()
    {
        Relocation = request.RelocationId,
        Step = request.Step,
        Direction = request.Direction,
        Sequence = request.Sequence,
        Attempt = request.Attempt,
        Epoch = request.Epoch,
        Run = request.Run,
    };

    private static ActivityException Refused(ActivityRequest request, string why, Exception? inner = null, string code = FailureCode.Superseded) => new(
        new StepFailure
        {
            Code = code,
            Message = $"{request.Step} ({(request.Direction == StepDirection.Do ? "do" : "undo")}) on {request.Cluster} is refused: {why}",
            Retryable = false,
        },
        inner);

    private sealed class UndoTurn(SemaphoreSlim undo) : IDisposable
    {
        private SemaphoreSlim? _undo = undo;

        public void Dispose() => Interlocked.Exchange(ref _undo, null)?.Release();
    }
}
