using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using Temporalio.Workflows;

namespace StatefulRelocate.Engines.Temporal.Workflows;

/// <summary>How a step of the plan becomes an activity: its queue, its four timeouts, its retries, and what people read in the Temporal UI.</summary>
internal static class StepOptions
{
    public static ActivityOptions Of(SagaState state, ActivityRequest request, CancellationToken cancellationToken)
    {
        var step = state.Step(request.Step)!;
        var planned = step.Planned;
        var retry = request.Direction == StepDirection.Do ? planned.Retry : planned.UndoRetry;
        return new ActivityOptions
        {
            ActivityId = IdOf(request, step.Run(request.Direction).Tries),
            Summary = Summary(request),
            TaskQueue = planned.TaskQueue ?? TaskQueues.Of(request.Cluster),
            ScheduleToStartTimeout = planned.ScheduleToStartTimeout > TimeSpan.Zero ? planned.ScheduleToStartTimeout : null,
            StartToCloseTimeout = planned.Timeout,
            ScheduleToCloseTimeout = planned.ScheduleToCloseTimeout,
            HeartbeatTimeout = planned.HeartbeatTimeout > TimeSpan.Zero ? planned.HeartbeatTimeout : null,
            RetryPolicy = new()
            {
                MaximumAttempts = retry.MaximumAttempts,
                InitialInterval = retry.InitialInterval,
                BackoffCoefficient = (float)retry.BackoffCoefficient,
                MaximumInterval = retry.MaximumInterval > retry.InitialInterval ? retry.MaximumInterval : retry.InitialInterval,
            },
            // What has an effect is known to have ended only when its agent says so.
            CancellationType = ActivityCancellationType.WaitCancellationCompleted,
            CancellationToken = cancellationToken,
            // Workflows and agents are in other processes; a reservation would only hold back a place.
            DisableEagerActivityExecution = true,
        };
    }

    private static string IdOf(ActivityRequest request, int tries) =>
        $"{(request.Direction == StepDirection.Undo ? "undo " : "")}{request.Step}{(tries > 1 ? $" ({request.Sequence})" : "")}";

    private static string Summary(ActivityRequest request)
    {
        var kinds = string.Join(", ", request.Fused.Insert(0, request.Kind));
        return request.Direction == StepDirection.Undo
            ? $"undo {kinds} of {request.Spec.App} on {request.Cluster}"
            : $"{kinds} of {request.Spec.App} on {request.Cluster}{(request.Round > 0 ? $", round {request.Round}" : "")}";
    }
}
