using System.Collections.Immutable;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Plans;

/// <summary>Turns what the user asked for into the steps that do it.</summary>
public static class Planner
{
    /// <summary>Within a blackout a silent agent must be noticed long before <c>maxBlackout</c>.</summary>
    private static readonly TimeSpan CutoverHeartbeat = TimeSpan.FromSeconds(2);

    /// <summary>An agent that takes nothing from its queue for that long is as good as silent.</summary>
    private static readonly TimeSpan CutoverScheduleToStart = TimeSpan.FromSeconds(3);

    private static readonly ImmutableArray<string> Called = ["roll-call-source", "roll-call-target"];

    /// <summary>A round may copy terabytes; a hanging one is noticed by its heartbeats.</summary>
    private static readonly TimeSpan RoundTimeout = TimeSpan.FromHours(24);

    private static readonly RetryPolicy Patient = new() { MaximumAttempts = 5, InitialInterval = TimeSpan.FromMilliseconds(500) };

    /// <summary>Waiting costs downtime here.</summary>
    private static readonly RetryPolicy Hasty = new() { InitialInterval = TimeSpan.FromMilliseconds(20), MaximumInterval = TimeSpan.FromSeconds(1) };

    private static readonly RetryPolicy HastyUndo = Hasty with { MaximumAttempts = 5 };

    /// <summary>The plan of a relocation.</summary>
    /// <param name="spec">What the user asked for.</param>
    /// <param name="relocationId">Unique, safe in file and object names: ASCII letters, digits, <c>-</c>, <c>_</c> and <c>.</c>.</param>
    /// <param name="fused">Whether consecutive parts of the cutover on one cluster are one step, for an engine whose hops are slow.</param>
    /// <exception cref="RelocateException">The spec makes no sense; one line says why.</exception>
    public static RelocationPlan Plan(RelocationSpec spec, string relocationId, bool fused = false)
    {
        SpecValidation.Check(spec, relocationId);
        return new RelocationPlan
        {
            RelocationId = relocationId,
            MachineVersion = SagaMachine.CurrentVersion,
            Spec = spec,
            Steps = [.. PreCopy(spec).Concat(fused ? FusedCutover(spec) : Cutover(spec)).Concat(Aftermath(spec)).Select(OnItsQueue)],
        };
    }

    private static ImmutableArray<PlannedStep> PreCopy(RelocationSpec spec)
    {
        string a = spec.Source, b = spec.Target;
        ImmutableArray<PlannedStep> steps =
        [
            new() { Id = "preflight-source", Kind = StepKind.Preflight, Cluster = a },
            new() { Id = "preflight-target", Kind = StepKind.Preflight, Cluster = b },
            new()
            {
                Id = "lease", Kind = StepKind.Lease, Cluster = a, DependsOn = ["preflight-source", "preflight-target"],
                // The lease goes last: while it is held nobody else touches what is still being undone.
                HasUndo = true, UndoAfter = ["prepare-source", "prepare-target", "quiesce", "fence", "start", "dns-switch"], UndoRetry = Patient,
            },
            new()
            {
                Id = "prepare-source", Kind = StepKind.Prepare, Cluster = a, DependsOn = ["lease"],
                // Undos of one app run one at a time on its agent: nothing on the source may queue before the thaw.
                HasUndo = true, UndoAfter = ["prepare-target", "quiesce"], UndoRetry = Patient,
            },
            new()
            {
                Id = "prepare-target", Kind = StepKind.Prepare, Cluster = b, DependsOn = ["prepare-source"],
                HasUndo = true, UndoAfter = ["start"], UndoRetry = Patient,
            },
            new() { Id = "snapshot", Kind = StepKind.Snapshot, Cluster = a, DependsOn = ["prepare-source"], Timeout = RoundTimeout, Retry = Patient },
            new() { Id = "restore", Kind = StepKind.Restore, Cluster = b, DependsOn = ["prepare-target"], Timeout = RoundTimeout, Retry = Patient },
        ];
        return spec.Cutover.Approval
            ? steps.Add(new() { Id = "gate", Kind = StepKind.Gate, DependsOn = ["snapshot", "restore"] })
            : steps;
    }

    private static ImmutableArray<PlannedStep> Cutover(RelocationSpec spec)
    {
        string a = spec.Source, b = spec.Target;
        return
        [
            .. RollCalls(spec),
            InCutover("quiesce", StepKind.Quiesce, a, Called) with { HasUndo = true, UndoAfter = ["fence"] },
            InCutover("final-restore", StepKind.FinalRestore, b, Called),
            // A thaw waits for one thing only: that the target was never started, or is proved stopped.
            InCutover("fence", StepKind.Fence, a, "quiesce") with { HasUndo = true, UndoAfter = ["start"] },
            InCutover("final-snapshot", StepKind.FinalSnapshot, a, "fence"),
            InCutover("verify", StepKind.Verify, b, "final-snapshot", "final-restore"),
            InCutover("start", StepKind.Start, b, "fence", "verify") with { HasUndo = true, UndoAfter = ["dns-switch"] },
            InCutover("ready", StepKind.Ready, b, "start"),
            .. Switch(spec, "ready"),
        ];
    }

    /// <summary>The blackout in three hops: the source falls silent and gives its last delta, the target starts, DNS is switched.</summary>
    private static ImmutableArray<PlannedStep> FusedCutover(RelocationSpec spec)
    {
        string a = spec.Source, b = spec.Target;
        return
        [
            .. RollCalls(spec),
            InCutover("quiesce", StepKind.Quiesce, a, Called) with { Fused = [StepKind.Fence, StepKind.FinalSnapshot], HasUndo = true, UndoAfter = ["start"] },
            // Waits on the target for what the source seals; start compares what both sides say of it.
            InCutover("final-restore", StepKind.FinalRestore, b, Called) with { Fused = [StepKind.Verify] },
            InCutover("start", StepKind.Start, b, "quiesce", "final-restore") with { Fused = [StepKind.Ready], HasUndo = true, UndoAfter = ["dns-switch"] },
            .. Switch(spec, "start"),
        ];
    }

    private static ImmutableArray<PlannedStep> RollCalls(RelocationSpec spec)
    {
        ImmutableArray<string> preCopied = spec.Cutover.Approval ? ["snapshot", "restore", "gate"] : ["snapshot", "restore"];
        return
        [
            InCutover("roll-call-source", StepKind.RollCall, spec.Source, preCopied),
            InCutover("roll-call-target", StepKind.RollCall, spec.Target, preCopied),
        ];
    }

    private static ImmutableArray<PlannedStep> Switch(RelocationSpec spec, string after) =>
    [
        InCutover("dns-switch", StepKind.DnsSwitch, spec.Target, after) with { HasUndo = true },
        InCutover("dns-verify", StepKind.DnsVerify, spec.Target, "dns-switch"),
    ];

    private static PlannedStep InCutover(string id, string kind, string cluster, params ImmutableArray<string> dependsOn) => new()
    {
        Id = id,
        Kind = kind,
        Cluster = cluster,
        DependsOn = dependsOn,
        ScheduleToStartTimeout = CutoverScheduleToStart,
        HeartbeatTimeout = CutoverHeartbeat,
        Retry = Hasty,
        UndoRetry = HastyUndo,
    };

    private static PlannedStep OnItsQueue(PlannedStep step) => step with { TaskQueue = TaskQueues.Of(step.Cluster) };

    private static ImmutableArray<PlannedStep> Aftermath(RelocationSpec spec) =>
    [
        new() { Id = "retire", Kind = StepKind.Retire, Cluster = spec.Source, DependsOn = ["dns-verify"], Retry = Patient },
        new() { Id = "release-lease", Kind = StepKind.ReleaseLease, Cluster = spec.Source, DependsOn = ["retire"], Retry = Patient },
    ];
}
