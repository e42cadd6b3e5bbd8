using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Engines.Tests.Rig;

/// <summary>Plans, requests and outputs that tests begin with.</summary>
internal static class Plans
{
    public static RelocationSpec Spec { get; } = new()
    {
        App = "shop",
        Source = "a",
        Target = "b",
        Repository = "main",
        Dns = new DnsSpec { Zone = "edge.test", Name = "shop" },
        Cutover = new CutoverSpec { MaxBlackout = TimeSpan.FromMinutes(1) },
    };

    /// <summary>The shortest plan with all that an engine meets: both clusters, a round, undos, the point of no return.</summary>
    public static RelocationPlan Short(string id = "shop-a-b-1", TimeSpan? timeout = null, int attempts = 3) => new()
    {
        RelocationId = id,
        MachineVersion = SagaMachine.CurrentVersion,
        Spec = Spec,
        Steps =
        [
            .. new PlannedStep[]
            {
                new() { Id = "lease", Kind = StepKind.Lease, Cluster = "a", HasUndo = true, UndoAfter = ["prepare-target", "quiesce", "start"] },
                new() { Id = "prepare-target", Kind = StepKind.Prepare, Cluster = "b", DependsOn = ["lease"], HasUndo = true, UndoAfter = ["start"] },
                new() { Id = "snapshot", Kind = StepKind.Snapshot, Cluster = "a", DependsOn = ["lease"] },
                new() { Id = "restore", Kind = StepKind.Restore, Cluster = "b", DependsOn = ["prepare-target"] },
                new() { Id = "quiesce", Kind = StepKind.Quiesce, Cluster = "a", DependsOn = ["snapshot", "restore"], HasUndo = true, UndoAfter = ["start"] },
                new() { Id = "start", Kind = StepKind.Start, Cluster = "b", DependsOn = ["quiesce"], HasUndo = true, UndoAfter = ["dns-switch"] },
                new() { Id = "dns-switch", Kind = StepKind.DnsSwitch, Cluster = "b", DependsOn = ["start"], HasUndo = true },
                new() { Id = "dns-verify", Kind = StepKind.DnsVerify, Cluster = "b", DependsOn = ["dns-switch"] },
                new() { Id = "release-lease", Kind = StepKind.ReleaseLease, Cluster = "a", DependsOn = ["dns-verify"] },
            }.Select(step => step with
            {
                Timeout = timeout ?? TimeSpan.FromSeconds(20),
                HeartbeatTimeout = timeout ?? TimeSpan.FromSeconds(20),
                Retry = new RetryPolicy { MaximumAttempts = attempts, InitialInterval = TimeSpan.FromMilliseconds(2) },
                UndoRetry = new RetryPolicy { MaximumAttempts = attempts, InitialInterval = TimeSpan.FromMilliseconds(2) },
            }),
        ],
    };

    public static RelocationPlan Changed(this RelocationPlan plan, string step, Func<PlannedStep, PlannedStep> change) =>
        plan with { Steps = [.. plan.Steps.Select(planned => planned.Id == step ? change(planned) : planned)] };

    public static RelocationPlan WithGate(this RelocationPlan plan) => plan with
    {
        Steps = plan.Changed("quiesce", quiesce => quiesce with { DependsOn = ["snapshot", "restore", "gate"] }).Steps
            .Insert(4, new PlannedStep { Id = "gate", Kind = StepKind.Gate, DependsOn = ["snapshot", "restore"] }),
    };

    public static StepOutput OutputOf(ActivityRequest request) => (request.Kind, request.Direction) switch
    {
        (StepKind.Lease, StepDirection.Do) => new StepOutput { Epoch = 7 },
        (StepKind.Snapshot or StepKind.Restore, _) => new StepOutput { Figures = new RoundFigures { BytesShipped = 10, Duration = TimeSpan.FromMilliseconds(1) } },
        _ => new StepOutput(),
    };

    /// <summary><c>start</c>, or <c>undo start</c>.</summary>
    public static string Name(this ActivityRequest request) => request.Direction == StepDirection.Do ? request.Step : $"undo {request.Step}";

    public static ImmutableArray<string> Names(this IEnumerable<ActivityRequest> requests) => [.. requests.Select(Name)];
}
