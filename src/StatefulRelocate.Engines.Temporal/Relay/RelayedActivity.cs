using StatefulRelocate.Activities;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using Temporalio.Activities;

namespace StatefulRelocate.Engines.Temporal.Relay;

/// <summary>
/// One kind of step as a Temporal activity: passed on to the process that holds the cluster, whose effect journal keeps the order; heartbeats and cancellation
/// travel along. An attempt that Temporal makes again is the same effect under a higher attempt, and goes on where the last one was.
/// </summary>
internal sealed class RelayedActivity(AgentLine line, SemaphoreSlim transfers)
{
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Reconnect = TimeSpan.FromMilliseconds(50);

    /// <summary>One definition for each kind, under its own name.</summary>
    public IEnumerable<ActivityDefinition> Definitions() => StepKind.All.Add(StepKind.TakeOver).Where(static kind => kind != StepKind.Gate).Select(kind =>
        ActivityDefinition.Create(kind, typeof(Task<StepOutput>), [typeof(ActivityRequest)], 1, arguments => RunAsync((ActivityRequest)arguments[0]!)));

    private async Task<StepOutput> RunAsync(ActivityRequest decided)
    {
        var context = ActivityExecutionContext.Current;
        var request = decided with { Attempt = context.Info.Attempt, BlackoutLeft = LeftOf(decided.BlackoutLeft, context.Info) };
        using var place = await TakePlaceAsync(request, context).ConfigureAwait(false);
        try
        {
            var client = await ConnectAsync(request, context).ConfigureAwait(false);
            // A worker that stops turns away: what runs at the cluster goes on, and another worker's attempt finds its result there.
            using var asked = new CancellationTokenSource();
            var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var cancelled = context.CancellationToken.Register(() =>
            {
                if (context.CancelReason == ActivityCancelReason.WorkerShutdown)
                    stopped.TrySetResult();
                else
                    asked.Cancel();
            }).ConfigureAwait(false);
            var run = client.RunAsync(request, progress => Report(context, progress), asked.Token);
            if (await Task.WhenAny(run, stopped.Task).ConfigureAwait(false) != run)
            {
                _ = run.ContinueWith(static late => _ = late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                throw RelayFailures.Of("worker-stopped", $"the worker stopped while {request.Step} ran on {request.Cluster}; another one goes on");
            }

            return await run.ConfigureAwait(false);
        }
        catch (ActivityException answer)
        {
            throw RelayFailures.Of(answer);
        }
        catch (AgentUnreachableException silence)
        {
            throw RelayFailures.Of("unreachable", silence.Message);
        }
    }

    /// <summary>
    /// A cluster's process that is just being started again is found again, and no attempt is lost on it. Inside the blackout nothing beats meanwhile: a silent
    /// cluster must be noticed there.
    /// </summary>
    private async Task<AgentClient> ConnectAsync(ActivityRequest request, ActivityExecutionContext context)
    {
        while (true)
        {
            try
            {
                return await line.ConnectAsync(context.CancellationToken).ConfigureAwait(false);
            }
            catch (AgentUnreachableException silence) when (!context.CancellationToken.IsCancellationRequested)
            {
                if (request.BlackoutLeft is null)
                    Report(context, new ActivityProgress { Doing = $"waits for {request.Cluster}: {silence.Message}" });
                await Task.Delay(Reconnect, context.CancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Live rounds use disk, network and memory, so only some run at once. What belongs to a cutover never waits.</summary>
    private async Task<IDisposable?> TakePlaceAsync(ActivityRequest request, ActivityExecutionContext context)
    {
        if (!StepKind.IsRound(request.Kind))
            return null;
        while (!await transfers.WaitAsync(Beat, context.CancellationToken).ConfigureAwait(false))
            Report(context, new ActivityProgress { Doing = "waits for its turn" });
        return new Place(transfers);
    }

    private static void Report(ActivityExecutionContext context, ActivityProgress progress) => context.Heartbeat(progress);

    /// <summary>Counted anew by the server's own clock: a request that lay in its queue must not guard for longer than the blackout may last.</summary>
    private static TimeSpan? LeftOf(TimeSpan? decided, ActivityInfo info)
    {
        if (decided is not { } left)
            return null;
        var waited = info.StartedTime - info.ScheduledTime;
        return waited <= TimeSpan.Zero ? left : left > waited ? left - waited : TimeSpan.Zero;
    }

    private sealed class Place(SemaphoreSlim transfers) : IDisposable
    {
        public void Dispose() => transfers.Release();
    }
}
