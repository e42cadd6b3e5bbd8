using StatefulRelocate.Core.Activities;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.Workflow.V1;
using Temporalio.Api.WorkflowService.V1;
using Temporalio.Converters;

namespace StatefulRelocate.Engines.Temporal.Client.Relocations;

/// <summary>Reads what a Temporal server says of a run.</summary>
internal static class RunDescriptions
{
    public static async Task<RelocationDescription> ReadAsync(DescribeWorkflowExecutionResponse described, RunStanding standing, DataConverter converter)
    {
        var task = described.PendingWorkflowTask;
        var pending = new List<PendingStep>();
        foreach (var activity in described.PendingActivities)
            pending.Add(await ReadAsync(activity, converter).ConfigureAwait(false));
        return new RelocationDescription
        {
            Id = described.WorkflowExecutionInfo.Execution.WorkflowId,
            RunId = described.WorkflowExecutionInfo.Execution.RunId,
            Standing = standing,
            StartedAt = described.WorkflowExecutionInfo.StartTime.ToDateTimeOffset(),
            WorkflowTaskAttempt = task?.Attempt ?? 0,
            WorkflowTaskWaitsSince = task?.State == PendingWorkflowTaskState.Scheduled ? task.ScheduledTime?.ToDateTimeOffset() : null,
            Pending = [.. pending.OrderBy(static step => step.Activity, StringComparer.Ordinal)],
        };
    }

    private static async Task<PendingStep> ReadAsync(PendingActivityInfo activity, DataConverter converter)
    {
        var failure = activity.LastFailure is { } last ? (await converter.ToExceptionAsync(last.Clone()).ConfigureAwait(false)).Message.ReplaceLineEndings(" ") : null;
        var progress = activity.HeartbeatDetails is { Payloads_.Count: > 0 } beat ? await converter.ToValueAsync<ActivityProgress>(beat.Payloads_[0]).ConfigureAwait(false) : null;
        var taken = activity.State != PendingActivityState.Scheduled;
        return new PendingStep(activity.ActivityId, activity.Attempt, taken, (taken ? activity.LastStartedTime : activity.ScheduledTime)?.ToDateTimeOffset(), failure, progress);
    }
}
