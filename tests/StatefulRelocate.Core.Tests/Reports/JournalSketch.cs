using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Reports;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Tests.Reports;

/// <summary>A journal written by hand, in milliseconds after an arbitrary instant.</summary>
internal sealed class JournalSketch
{
    private readonly List<SagaEvent> _events = [];
    private long _sequence;

    public static DateTimeOffset Origin { get; } = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    public IReadOnlyList<SagaEvent> Events => _events;

    public static RelocationPlan Plan { get; } = new()
    {
        RelocationId = "images-edge-a-edge-b-1",
        MachineVersion = 1,
        Spec = new RelocationSpec
        {
            App = "images",
            Source = "edge-a",
            Target = "edge-b",
            Repository = "demo",
            Dns = new DnsSpec { Zone = "edge.test", Name = "images" },
        },
        Steps =
        [
            .. new (string Id, string Kind)[]
            {
                ("preflight-source", StepKind.Preflight), ("snapshot", StepKind.Snapshot), ("restore", StepKind.Restore),
                ("quiesce", StepKind.Quiesce), ("fence", StepKind.Fence), ("final-snapshot", StepKind.FinalSnapshot),
                ("final-restore", StepKind.FinalRestore), ("verify", StepKind.Verify), ("start", StepKind.Start), ("ready", StepKind.Ready),
                ("dns-switch", StepKind.DnsSwitch), ("retire", StepKind.Retire),
            }.Select(static step => new PlannedStep { Id = step.Id, Kind = step.Kind }),
        ],
    };

    /// <summary>The plan where the parts of the cutover on one cluster are one step.</summary>
    public static RelocationPlan FusedPlan { get; } = Plan with
    {
        Steps =
        [
            new PlannedStep { Id = "quiesce", Kind = StepKind.Quiesce, Fused = [StepKind.Fence, StepKind.FinalSnapshot] },
            new PlannedStep { Id = "final-restore", Kind = StepKind.FinalRestore, Fused = [StepKind.Verify] },
            new PlannedStep { Id = "start", Kind = StepKind.Start, Fused = [StepKind.Ready] },
            new PlannedStep { Id = "dns-switch", Kind = StepKind.DnsSwitch },
        ],
    };

    public static DateTimeOffset At(double milliseconds) => Origin.AddMilliseconds(milliseconds);

    public JournalSketch Add(SagaEvent e)
    {
        _events.Add(e);
        return this;
    }

    public JournalSketch Started(string step, double at, StepDirection direction = StepDirection.Do) =>
        Add(new StepStarted(step, direction, ++_sequence) { At = At(at) });

    public JournalSketch Completed(string step, double at, StepOutput? output = null, StepDirection direction = StepDirection.Do) =>
        Add(new StepCompleted(step, direction, _sequence, output ?? new StepOutput()) { At = At(at) });

    public JournalSketch CompletedParts(string step, double at, params (string Step, double Took)[] parts) => Completed(step, at, new StepOutput { Fused = Parts(parts) });

    public JournalSketch FailedAfter(string step, double at, params (string Step, double Took)[] parts) =>
        Add(new StepFailed(step, StepDirection.Do, _sequence, new StepFailure { Code = "x", Message = "x", Fused = Parts(parts) }) { At = At(at) });

    public JournalSketch Failed(string step, double at, bool injected = false) =>
        Add(new StepFailed(step, StepDirection.Do, _sequence, new StepFailure { Code = "x", Message = "x", Injected = injected }) { At = At(at) });

    public JournalSketch Ended(RelocationOutcome outcome, double at, string? reason = null) =>
        Add(new RelocationEnded(outcome, reason) { At = At(at) });

    /// <summary>A whole relocation: quiesce at 1000, ready at 1180, DNS switched at 1200, retired at 1300.</summary>
    public static JournalSketch WholeMove()
    {
        var live = new RoundFigures { BytesScanned = 1000, BytesChanged = 1000, BytesShipped = 400, Duration = TimeSpan.FromMilliseconds(300) };
        var final = live with { BytesChanged = 80, BytesShipped = 90, SincePrevious = TimeSpan.FromMilliseconds(800) };
        return new JournalSketch()
            .Started("preflight-source", 0).Completed("preflight-source", 10)
            .Started("snapshot-1", 20).Started("restore-1", 21)
            .Completed("snapshot-1", 320, new StepOutput { Figures = live }).Completed("restore-1", 340)
            .Started("quiesce", 1000).Started("final-restore", 1000).Completed("quiesce", 1040)
            .Started("fence", 1042).Completed("fence", 1050)
            .Started("final-snapshot", 1050)
            .Completed("final-snapshot", 1100, new StepOutput { Figures = final, VolumeHash = "aa", Parts = [new StepPart("scan", TimeSpan.FromMilliseconds(30))] })
            .Completed("final-restore", 1110)
            .Started("verify", 1110).Completed("verify", 1120, new StepOutput { VolumeHash = "bb" })
            .Started("start", 1120).Completed("start", 1150)
            .Started("ready", 1150).Completed("ready", 1180)
            .Add(new PointOfNoReturnPassed { At = At(1182) })
            .Started("dns-switch", 1183).Completed("dns-switch", 1200)
            .Started("retire", 1201).Completed("retire", 1300)
            .Ended(RelocationOutcome.Completed, 1301);
    }

    public static ImmutableArray<AcknowledgedWrite> Writes(params (string Cluster, double At)[] writes) =>
        [.. writes.Select(static write => new AcknowledgedWrite(write.Cluster, At(write.At), TimeSpan.FromMilliseconds(write.At)))];

    private static ImmutableArray<FusedOutput> Parts((string Step, double Took)[] parts) =>
        [.. parts.Select(static part => new FusedOutput(part.Step, new StepOutput(), TimeSpan.FromMilliseconds(part.Took)))];
}
