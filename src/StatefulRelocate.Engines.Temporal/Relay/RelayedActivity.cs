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
/// <param name="line">To the process that holds the cluster.</param>
/// <param name="snapshots">The places of live snapshots.</param>
/// <param name="restores">
/// The places of live restores. Apart: a restore keeps its place while it waits for its snapshot, which may wait for its turn on a cluster that restores from here.
/// </param>
internal sealed class RelayedActivity(AgentLine line, SemaphoreSlim snapshots, SemaphoreSlim restores)
{
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Reconnect = TimeSpan.FromMilliseconds(50);

    /// <summary>One definition for each kind, under its own name.</summary>
    public IEnumerable<ActivityDefinition> Definitions() => StepKind.All.Add(StepKind.TakeOver).Where(static kind => kind != StepKind.Gate).Select(kind =>
        ActivityDefinition.Create(kind, typeof(Task<StepOutput>), [typeof(ActivityRequest)], 1, arguments => RunAsync((ActivityRequest)arguments[0]!)));

    private async Task<StepOutput> RunAsync(ActivityRequest decided)
    {
        var context = ActivityExecutionContext.Current;
        var began = TimeProvider.System.GetTimestamp();
        // The run that asks now: an activity that was scheduled before a reset and sent after it carries the old one.
        var request = decided with { Attempt = context.Info.Attempt, Run = context.Info.WorkflowRunId };
        using var place = await TakePlaceAsync(request, context).ConfigureAwait(false);
        try
        {
            var client = await ConnectAsync(request, context).ConfigureAwait(false);
            request = request with { BlackoutLeft = LeftOf(request.BlackoutLeft, context.Info, TimeProvider.System.GetElapsedTime(began)) };
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
        var places = request.Kind == StepKind.Snapshot ? snapshots : restores;
        var turn = places.WaitAsync(context.CancellationToken);
        while (await Task.WhenAny(turn, Task.Delay(Beat, context.CancellationToken)).ConfigureAwait(false) != turn)
            Report(context, new ActivityProgress { Doing = "waits for its turn" });
        await turn.ConfigureAwait(false);
        return new Place(places);
    }

    private static void Report(ActivityExecutionContext context, ActivityProgress progress) => context.Heartbeat(progress);

    /// <summary>Counted anew by the server's own clock, and by this one's since: a request that waited must not guard for longer than the blackout may last.</summary>
    private static TimeSpan? LeftOf(TimeSpan? decided, ActivityInfo info, TimeSpan since)
    {
        if (decided is not { } whole)
            return null;
        var queued = info.StartedTime - info.ScheduledTime;
        var left = whole - since - (queued > TimeSpan.Zero ? queued : TimeSpan.Zero);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private sealed class Place(SemaphoreSlim places) : IDisposable
    {
        public void Dispose() => places.Release();
    }
}
