using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Faults;

namespace StatefulRelocate.Engines;

/// <summary>
/// One dispatch of a step: its attempts by the plan's policy, until there is one result for the machine. Each attempt is in the journal
/// before the agent hears of it, so that a later engine knows what may be under way.
/// </summary>
internal sealed class StepExecution : IDisposable
{
    private readonly EngineContext _engine;
    private readonly ActivityRequest _request;
    private readonly RetryPolicy _policy;
    private readonly FaultInjector _faults;
    private readonly Func<bool> _pastTheLine;
    private readonly Func<DateTimeOffset?> _blackoutStartedAt;
    private readonly CancellationTokenSource _cancel = new();
    private int _attempt;
    private bool _recorded;
    private bool _unanswered;
    private bool _certain = true;

    /// <param name="engine">The engine.</param>
    /// <param name="request">The dispatch.</param>
    /// <param name="policy">How it is retried.</param>
    /// <param name="earlier">What the journal holds of its attempts; the last one is this execution's own when <paramref name="fresh"/>.</param>
    /// <param name="fresh">Whether the dispatch was committed just now, with its first attempt.</param>
    /// <param name="faults">What strikes.</param>
    /// <param name="pastTheLine">Whether the point of no return is passed.</param>
    /// <param name="blackoutStartedAt">When the blackout began, or null before.</param>
    public StepExecution(
        EngineContext engine, ActivityRequest request, RetryPolicy policy, IReadOnlyList<JournaledAttempt> earlier, bool fresh, FaultInjector faults, Func<bool> pastTheLine,
        Func<DateTimeOffset?> blackoutStartedAt)
    {
        (_engine, _request, _policy, _faults, _pastTheLine, _blackoutStartedAt) = (engine, request, policy, faults, pastTheLine, blackoutStartedAt);
        _attempt = 1;
        _recorded = fresh;
        foreach (var attempt in earlier)
        {
            _attempt = attempt.Attempt + 1;
            if (attempt.Answer is { } answer)
                _certain &= answer.CertainlyNoEffect;
            else
                _unanswered = true;
        }
    }

    public ActivityRequest Request => _request;

    /// <summary>Asks the agent to stop; no further attempt is made. The result still comes.</summary>
    public void Cancel() => _ = _cancel.CancelAsync();

    /// <summary>Runs to the one result. Its time is set by who commits it.</summary>
    public async Task<SagaEvent> RunAsync(CancellationToken stopping)
    {
        for (var tries = 1; ; tries++)
        {
            var end = await AttemptAsync(stopping).ConfigureAwait(false);
            if (end.Output is { } output)
                return new StepCompleted(_request.Step, _request.Direction, _request.Sequence, output) { At = default };
            if (end.Answer is { } answer)
            {
                _certain &= answer.CertainlyNoEffect;
                if (!answer.Retryable || tries >= _policy.MaximumAttempts || _cancel.IsCancellationRequested)
                    return Failed(answer with { CertainlyNoEffect = _certain && !_unanswered });
            }
            else if (!end.Sent)
            {
                // Nothing reached the agent in all the time that the step has: what the attempts before it did decides.
                return _unanswered ? Lapsed(end.Silence!) : Failed(end.Silence! with { CertainlyNoEffect = _certain });
            }
            else
            {
                _unanswered = true;
                if (tries >= _policy.MaximumAttempts || _cancel.IsCancellationRequested)
                    return Lapsed(end.Silence!);
            }

            _engine.Journal.WriteAttempts(
                _request.RelocationId,
                new JournaledAttempt(_request.Sequence, _attempt, end.Answer),
                new JournaledAttempt(_request.Sequence, _attempt + 1, null));
            _attempt++;
            try
            {
                using var wait = CancellationTokenSource.CreateLinkedTokenSource(stopping, _cancel.Token);
                await Task.Delay(_engine.Wait(_policy, tries), _engine.Time, wait.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
            {
                return _unanswered ? Lapsed(Cancelled()) : Failed(Cancelled());
            }
        }
    }

    public void Dispose() => _cancel.Dispose();

    private async Task<AttemptEnd> AttemptAsync(CancellationToken stopping)
    {
        if (!_recorded)
            _engine.Journal.WriteAttempts(_request.RelocationId, new JournaledAttempt(_request.Sequence, _attempt, null));
        _recorded = true;
        // Another engine may go on from here by now; what this one has not sent yet is sent by that one.
        stopping.ThrowIfCancellationRequested();
        var request = _request with { Attempt = _attempt };
        if (_faults.Before(request, _pastTheLine()) is { } before)
            return new AttemptEnd(Answer: before);
        var started = _engine.Time.GetTimestamp();
        while (true)
        {
            var end = await StepAttempt.RunAsync(_engine, request with { BlackoutLeft = BlackoutLeft() }, _cancel.Token, stopping).ConfigureAwait(false);
            if (end.Output is not null && _faults.After(request, _pastTheLine()) is { } after)
                return new AttemptEnd(Answer: after);
            if (end.Sent || _cancel.IsCancellationRequested || _engine.Time.GetElapsedTime(started) >= request.Timeout)
                return end;
            // Nobody is there yet: an agent that starts again is found again, and no attempt is lost on it.
            await Task.Delay(_engine.Options.ReconnectInterval, _engine.Time, stopping).ConfigureAwait(false);
        }
    }

    // Counted anew at each send: an agent that is found late must not guard for longer than the blackout may last. Never more than was decided.
    private TimeSpan? BlackoutLeft()
    {
        if (_request.BlackoutLeft is not { } decided || _blackoutStartedAt() is not { } began)
            return _request.BlackoutLeft;
        var left = _request.Spec.Cutover.MaxBlackout - (_engine.Time.GetUtcNow() - began);
        return left < TimeSpan.Zero ? TimeSpan.Zero : left < decided ? left : decided;
    }

    private StepFailed Failed(StepFailure failure) => new(_request.Step, _request.Direction, _request.Sequence, failure) { At = default };

    private StepLapsed Lapsed(StepFailure failure) => new(_request.Step, _request.Direction, _request.Sequence, failure) { At = default };

    private StepFailure Cancelled() => new() { Code = "cancelled", Message = $"{_request.Step} was cancelled between two attempts", Retryable = false };
}
