using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Tests.Exploration;

internal enum EffectResult
{
    Done,
    Waits,
    Fails,

    /// <summary>The swap to committed was lost.</summary>
    CommitLost,
}

/// <summary>How an effect reaches what it changes: what leaves the agent may arrive after the agent is gone.</summary>
internal enum Reach
{
    Local,
    RecordPut,
    DnsMessage,
}

internal readonly record struct Effect(Reach Reach, Func<World, Attempt, EffectResult> Act);

/// <summary>
/// What the activities do, as the smallest effects between which anything may happen. Each checks what the real one checks on its own;
/// <c>trusting</c> takes the checks of the record away, so that a test can see what the order of the saga alone is worth.
/// </summary>
internal sealed class Effects(bool trusting = false)
{
    private static readonly Effect[] None = [];

    private readonly Effect[] _lease = [Local(w => w.Claim = true), Put((w, _) => w.Held || Won(w, Writer.Source, RelocationPhase.Taken))];
    private readonly Effect[] _undoLease =
    [
        Put((w, _) => w.Writer != Writer.Target && Won(w, Writer.Source, RelocationPhase.None, held: false)),
        Local(w => w.Claim = false),
    ];

    private readonly Effect[] _releaseLease =
        [Put((w, _) => w.Writer == Writer.Target && Won(w, Writer.Target, RelocationPhase.None, held: false)), Local(w => w.Claim = false)];

    private readonly Effect[] _seal = [Local(w => w.Sealed = true)];
    private readonly Effect[] _undoSeal = [Local(w => w.Sealed = false)];
    private readonly Effect[] _prepare = [Local(w => w.Prepared = true)];
    private readonly Effect[] _undoPrepare = [If(w => !w.TargetRuns && !w.StartedMark, w => (w.Prepared, w.TargetVersion) = (false, World.NoData))];
    private readonly Effect[] _snapshot = [new(Reach.Local, Snapshot)];
    private readonly Effect[] _restore = [new(Reach.Local, Restore)];
    private readonly Effect[] _quiesce =
    [
        Local(w => w.SourceGuard = w.SourceGuard == Guard.Off ? Guard.Armed : w.SourceGuard),
        Local(w => w.Source = w.Source == SourceApp.Running ? SourceApp.Silent : w.Source),
    ];

    private readonly Effect[] _undoQuiesce = [If(w => !w.Fenced, w =>
    {
        w.Thaw();
        w.SourceGuard = Guard.Off;
    })];

    private readonly Effect[] _fence =
    [
        If(w => w.Source == SourceApp.Silent, w => w.Fenced = true),
        Put((w, _) => (w.Writer == Writer.Nobody && w.Phase == RelocationPhase.Fenced)
            || (w is { Writer: Writer.Source, Phase: RelocationPhase.Taken } && Won(w, Writer.Nobody, RelocationPhase.Fenced))),
    ];

    private readonly Effect[] _undoFence =
        [Put((w, _) => w.Writer != Writer.Target && w.Phase != RelocationPhase.Committed && Won(w, Writer.Source, RelocationPhase.Undone)), Local(w => w.Fenced = false)];

    private readonly Effect[] _start =
    [
        Local(w => (w.StartedMark, w.TargetGuard) = (true, w.TargetGuard == Guard.Off ? Guard.Armed : w.TargetGuard)),
        Put((w, _) => w is { Writer: Writer.Target, Phase: RelocationPhase.Started }
            || ((trusting || w is { Writer: Writer.Nobody, Phase: RelocationPhase.Fenced }) && Won(w, Writer.Target, RelocationPhase.Started))),
        Local(w =>
        {
            w.TargetRuns = true;
            w.Violation ??= w.TargetVersion == w.SourceVersion ? null : "the target starts on data that is not the source's";
        }),
    ];

    // The record is written even where it says nobody: a late nobody -> B of the start must find it changed.
    private readonly Effect[] _undoStart =
    [
        Put((w, _) => w.Phase == RelocationPhase.Undone || (w.Phase != RelocationPhase.Committed && Won(w, w.Writer, RelocationPhase.Undone))),
        Local(w => w.TargetRuns = false),
        Put((w, _) => w.Writer != Writer.Target || Won(w, Writer.Nobody, RelocationPhase.Undone)),
        Local(w => (w.StartedMark, w.TargetGuard) = (false, Guard.Off)),
    ];

    private readonly Effect[] _dnsSwitch =
    [
        new(Reach.RecordPut, (w, _) => w is { Writer: Writer.Target, Phase: RelocationPhase.Started or RelocationPhase.Committed }
            && Won(w, Writer.Target, RelocationPhase.Committed) ? EffectResult.Done : EffectResult.CommitLost),
        new(Reach.DnsMessage, (w, _) =>
        {
            w.DnsNew = true;
            return EffectResult.Done;
        }),
    ];

    // The one way back after the point of no return: the agent knows of every message it sent, and asks every server.
    private readonly Effect[] _undoDnsSwitch =
    [
        Put((w, _) => w.Phase != RelocationPhase.Committed
            || (w is { DnsNew: false, LateDnsToNew: false } && Won(w, Writer.Target, RelocationPhase.Undone))),
    ];

    private readonly Effect[] _retire = [If(w => w is { Writer: Writer.Target, Phase: RelocationPhase.Committed }, w => (w.Source, w.SourceGuard) = (SourceApp.Gone, Guard.Off))];

    private Effect[] FusedCut => field ??=
        [.. _quiesce, .. _fence, If(w => trusting || w is { Fenced: true, Source: SourceApp.Silent }, static _ => { }), .. _snapshot];

    private Effect[] FusedReturn => field ??= [.. _undoFence, .. _undoQuiesce];

    /// <summary>The effects of one direction of a step; none when it only looks.</summary>
    public Effect[] Of(Attempt attempt) => (attempt.Kind, attempt.Direction) switch
    {
        (StepKind.Quiesce, StepDirection.Do) when attempt.Fused => FusedCut,
        (StepKind.Quiesce, StepDirection.Undo) when attempt.Fused => FusedReturn,
        (StepKind.Lease, StepDirection.Do) => _lease,
        (StepKind.Lease, StepDirection.Undo) => _undoLease,
        (StepKind.ReleaseLease, StepDirection.Do) => _releaseLease,
        (StepKind.Prepare, StepDirection.Do) => attempt.OnSource ? _seal : _prepare,
        (StepKind.Prepare, StepDirection.Undo) => attempt.OnSource ? _undoSeal : _undoPrepare,
        (StepKind.Snapshot or StepKind.FinalSnapshot, _) => _snapshot,
        (StepKind.Restore or StepKind.FinalRestore, _) => _restore,
        (StepKind.Quiesce, StepDirection.Do) => _quiesce,
        (StepKind.Quiesce, StepDirection.Undo) => _undoQuiesce,
        (StepKind.Fence, StepDirection.Do) => _fence,
        (StepKind.Fence, StepDirection.Undo) => _undoFence,
        (StepKind.Start, StepDirection.Do) => _start,
        (StepKind.Start, StepDirection.Undo) => _undoStart,
        (StepKind.DnsSwitch, StepDirection.Do) => _dnsSwitch,
        (StepKind.DnsSwitch, StepDirection.Undo) => _undoDnsSwitch,
        (StepKind.Retire, StepDirection.Do) => _retire,
        _ => None,
    };

    /// <summary>What a step sees right before it answers that it is done.</summary>
    public EffectResult Look(World world, Attempt attempt) => attempt.Kind switch
    {
        StepKind.FinalSnapshot when !trusting => Require(world is { Fenced: true, Source: SourceApp.Silent }),
        StepKind.FinalRestore when attempt.Fused => Require(world.TargetVersion == world.Manifests[attempt.Round]),
        StepKind.Start when attempt is { Fused: true, Direction: StepDirection.Do } => Require(world.TargetRuns),
        StepKind.Verify => Require(world.TargetVersion != World.NoData && world.TargetVersion == world.Manifests[attempt.Round]),
        StepKind.Ready => Require(world.TargetRuns),
        StepKind.DnsVerify => Require(world.DnsNew),
        _ => EffectResult.Done,
    };

    private static EffectResult Require(bool met) => met ? EffectResult.Done : EffectResult.Fails;

    private static EffectResult Snapshot(World world, Attempt attempt)
    {
        world.Manifests[attempt.Round] = world.SourceVersion;
        if (world.Source == SourceApp.Running)
            world.SourceVersion++;
        return EffectResult.Done;
    }

    private static EffectResult Restore(World world, Attempt attempt)
    {
        if (world.Manifests[attempt.Round] == World.NoData)
            return EffectResult.Waits;
        if (!world.Prepared || world.StartedMark || world.Writer == Writer.Target)
            return EffectResult.Fails;
        world.TargetVersion = world.Manifests[attempt.Round];
        return EffectResult.Done;
    }

    private static Effect Local(Action<World> act) => If(_ => true, act);

    private static Effect If(Func<World, bool> condition, Action<World> act) => new(Reach.Local, (world, _) =>
    {
        if (!condition(world))
            return EffectResult.Fails;
        act(world);
        return EffectResult.Done;
    });

    private static Effect Put(Func<World, Attempt, bool> swap) => new(Reach.RecordPut, (world, attempt) => Require(swap(world, attempt)));

    private static bool Won(World world, Writer writer, RelocationPhase phase, bool held = true)
    {
        world.Put(writer, phase, held);
        return true;
    }
}
