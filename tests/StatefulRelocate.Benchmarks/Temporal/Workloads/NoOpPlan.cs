using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Benchmarks.Temporal.Workloads;

/// <summary>Relocations whose steps do nothing, one after the other on one cluster; each of an app of its own, as apps have one relocation at a time.</summary>
internal static class NoOpPlan
{
    public const string Cluster = "edge-a";

    /// <summary>The kind whose effects an agent does not record, and one whose effects it does: two fsyncs each.</summary>
    public static string Kind(bool recorded) => recorded ? StepKind.DnsVerify : StepKind.Preflight;

    public static RelocationPlan Of(string id, int steps, string kind) => new()
    {
        RelocationId = id,
        MachineVersion = SagaMachine.CurrentVersion,
        Spec = new RelocationSpec { App = id, Source = Cluster, Target = "edge-b", Repository = "main", Dns = new DnsSpec { Zone = "edge.test", Name = id } },
        Steps =
        [
            .. Enumerable.Range(1, steps).Select(number => new PlannedStep
            {
                Id = $"step-{number}",
                Kind = kind,
                Cluster = Cluster,
                TaskQueue = TaskQueues.Of(Cluster),
                DependsOn = number > 1 ? [$"step-{number - 1}"] : [],
                // Measured, never enforced: at hundreds of steps at once each waits for its turn.
                Timeout = TimeSpan.FromMinutes(10),
                ScheduleToStartTimeout = TimeSpan.FromMinutes(10),
                HeartbeatTimeout = TimeSpan.FromMinutes(10),
            }),
        ],
    };
}
