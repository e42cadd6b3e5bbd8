using StatefulRelocate.Core.Plans;
using Temporalio.Client;

namespace StatefulRelocate.Engines.Temporal.Client.Relocations;

/// <summary>Finds what keeps a relocation from going on.</summary>
internal static class Hindrances
{
    /// <summary>The first that is worth a word: what waits since before <paramref name="since"/>, or failed and is tried again.</summary>
    public static async Task<string?> FindAsync(TaskQueuePollers pollers, RelocationPlan? plan, RelocationDescription described, DateTimeOffset since, RpcOptions rpc)
    {
        if (described.Standing != RunStanding.Running)
            return null;
        if (described.WorkflowTaskWaitsSince < since)
            return await pollers.FindSilentAsync([], rpc).ConfigureAwait(false) ?? "relocate-server does not take the workflow; is it running?";
        if (described.WorkflowTaskAttempt > 2)
            return $"relocate-server fails on it and tries again (attempt {described.WorkflowTaskAttempt}); its log says why";
        foreach (var pending in described.Pending)
        {
            if (!pending.Taken && pending.Since < since && plan is not null)
            {
                // A take-over stands in no plan; it waits in the queue of its cluster's steps.
                var cluster = pending.Step.StartsWith(StepKind.TakeOver, StringComparison.Ordinal)
                    ? pending.Step.EndsWith("source", StringComparison.Ordinal) ? plan.Spec.Source : plan.Spec.Target
                    : null;
                var queue = plan.Steps.Where(step => cluster is not null ? step.Cluster == cluster : step.Id == pending.Step || pending.Step.StartsWith(step.Id + "-", StringComparison.Ordinal));
                return await pollers.FindSilentAsync(queue, rpc).ConfigureAwait(false) ?? $"{pending.Activity} waits in its queue: its agent is busy, or just went away";
            }

            if (pending.LastFailure is { } failure)
                return $"{pending.Activity}, attempt {pending.Attempt}: {failure}";
        }

        return null;
    }
}
