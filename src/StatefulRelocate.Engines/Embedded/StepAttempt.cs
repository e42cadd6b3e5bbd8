using StatefulRelocate.Activities;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Engines;

/// <summary>How one attempt ended: exactly one of output, answer and silence.</summary>
/// <param name="Output">It succeeded.</param>
/// <param name="Answer">It was answered with a failure.</param>
/// <param name="Silence">Nobody answered.</param>
/// <param name="Sent">Whether the agent may have heard of it.</param>
internal sealed record AttemptEnd(StepOutput? Output = null, StepFailure? Answer = null, StepFailure? Silence = null, bool Sent = true);

/// <summary>One attempt: dispatches it and waits, as long as the step allows and the agent's heart beats.</summary>
internal static class StepAttempt
{
    /// <param name="engine">The engine.</param>
    /// <param name="request">With its attempt.</param>
    /// <param name="cancelled">The machine cancels the step: the agent is asked to stop, its answer is still waited for.</param>
    /// <param name="stopping">The engine stops: what runs at the agent goes on.</param>
    public static async Task<AttemptEnd> RunAsync(EngineContext engine, ActivityRequest request, CancellationToken cancelled, CancellationToken stopping)
    {
        var time = engine.Time;
        var started = time.GetTimestamp();
        var lastBeat = started;
        // Not disposed: a run that we turned away from may still look at its token.
        var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancelled);
        // Whatever the dispatcher throws, at once or later, is an end of this attempt.
        async Task<StepOutput> DispatchAsync() => await engine.Dispatcher.RunAsync(request, progress =>
        {
            Volatile.Write(ref lastBeat, time.GetTimestamp());
            engine.Options.Progress?.Note(request.RelocationId, request.Step, progress);
        }, cancel.Token).ConfigureAwait(false);
        var run = DispatchAsync();
        while (true)
        {
            var left = request.Timeout - time.GetElapsedTime(started);
            var beatLeft = request.HeartbeatTimeout > TimeSpan.Zero ? request.HeartbeatTimeout - time.GetElapsedTime(Volatile.Read(ref lastBeat)) : left;
            var wait = left < beatLeft ? left : beatLeft;
            if (wait <= TimeSpan.Zero && !run.IsCompleted)
            {
                _ = cancel.CancelAsync();
                _ = run.ContinueWith(static late => _ = late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                return new AttemptEnd(Silence: Silent(request, left <= TimeSpan.Zero));
            }

            try
            {
                return new AttemptEnd(Output: await (run.IsCompleted ? run : run.WaitAsync(wait, time, stopping)).ConfigureAwait(false));
            }
            catch (TimeoutException) when (!run.IsFaulted)
            {
                // A limit may have moved: the agent's heart beat meanwhile. Or its answer came at the very last moment.
            }
            catch (ActivityException error)
            {
                return new AttemptEnd(Answer: error.Failure);
            }
            catch (AgentUnreachableException error)
            {
                return new AttemptEnd(Silence: new StepFailure { Code = "unreachable", Message = error.Message }, Sent: error.Sent);
            }
            catch (Exception error) when (error is not OutOfMemoryException && !stopping.IsCancellationRequested)
            {
                return new AttemptEnd(Silence: new StepFailure { Code = "internal", Message = $"{request.Step}: {error.GetType().Name}: {error.Message.ReplaceLineEndings(" ")}" });
            }
        }
    }

    private static StepFailure Silent(ActivityRequest request, bool whole) => new()
    {
        Code = whole ? "timeout" : "heartbeat-timeout",
        Message = whole
            ? $"the agent of {request.Cluster} did not answer {request.Step} within {request.Timeout.TotalSeconds:0.###} s"
            : $"the agent of {request.Cluster} gave no sign of life on {request.Step} for {request.HeartbeatTimeout.TotalSeconds:0.###} s",
    };
}
