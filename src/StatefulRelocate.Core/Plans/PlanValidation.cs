using System.Collections.Immutable;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Core.Plans;

/// <summary>Says in one line why a plan that somebody sent cannot be carried out, before anything is touched. What the planner makes always can.</summary>
public static class PlanValidation
{
    /// <summary>Checks it.</summary>
    /// <exception cref="RelocateException">The first thing that is wrong.</exception>
    public static void Check(RelocationPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (plan.Spec is null)
            throw Bad("it has no spec");
        SpecValidation.Check(plan.Spec, plan.RelocationId ?? "");
        if (plan.Steps.IsDefaultOrEmpty)
            throw Bad("it has no steps");
        var ids = plan.Steps.Select(static step => step?.Id).ToImmutableHashSet(StringComparer.Ordinal);
        if (ids.Count != plan.Steps.Length)
            throw Bad("two of its steps have the same id");
        foreach (var step in plan.Steps)
            Check(step, ids!);
    }

    private static void Check(PlannedStep? step, ImmutableHashSet<string> ids)
    {
        if (string.IsNullOrEmpty(step?.Id))
            throw Bad("one of its steps has no id");
        foreach (var kind in step.Fused.Insert(0, step.Kind ?? ""))
            if (!StepKind.All.Contains(kind))
                throw Bad($"its step {step.Id} is of kind '{kind}'; the kinds are {string.Join(", ", StepKind.All)}");
        if (step.Cluster is null != (step.Kind == StepKind.Gate))
            throw Bad($"its step {step.Id} {(step.Cluster is null ? "names no cluster" : "waits for a person and names a cluster")}");
        if (step.DependsOn.IsDefault || step.UndoAfter.IsDefault || step.Retry is null || step.UndoRetry is null)
            throw Bad($"its step {step.Id} lacks dependsOn, undoAfter, retry or undoRetry");
        // An undo that comes after that of a step which is not there comes after nothing.
        if (step.DependsOn.FirstOrDefault(id => !ids.Contains(id)) is { } unknown)
            throw Bad($"its step {step.Id} comes after '{unknown}', which is no step of it");
        if (step.Cluster is not null && (step.Timeout <= TimeSpan.Zero || step.HeartbeatTimeout < TimeSpan.Zero || step.ScheduleToStartTimeout < TimeSpan.Zero))
            throw Bad($"its step {step.Id} has a timeout that is not above zero");
    }

    private static RelocateException Bad(string why) => new($"the plan cannot be carried out: {why}");
}
