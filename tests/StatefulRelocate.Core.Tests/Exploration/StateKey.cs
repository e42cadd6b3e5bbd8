using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Tests.Exploration;

/// <summary>
/// Makes equal what can never behave differently: sequence numbers become their order, times and messages are left out, and how a do ended
/// is forgotten once everything is undone. 128 bits of a hash stand for the state; at ten million states two of them collide with a chance of 1e-25.
/// </summary>
internal struct StateKey
{
    private ulong _low = 14695981039346656037;
    private ulong _high = 1099511628211;

    public StateKey()
    {
    }

    public static UInt128 Of(Node node)
    {
        var key = new StateKey();
        key.Add((node.FaultsLeft * 16) + node.SignalsLeft);
        key.Add(node.Saga);
        key.Add(node.World);
        return new UInt128(key._high, key._low);
    }

    private void Add(int value)
    {
        _low = (_low ^ (uint)value) * 1099511628211;
        _high = (ulong.RotateLeft(_high, 23) + (uint)value + 0x9E3779B97F4A7C15) * 0xD6E8FEB86659FD93;
        _high ^= _high >> 32;
    }

    private void Add(bool value) => Add(value ? 1 : 0);

    private void Add(SagaState saga)
    {
        Add((int?)saga.Outcome ?? -1);
        if (saga.Outcome is not null)
            return;
        Add(saga.Compensating ? saga.Compensation!.ByPerson ? 2 : 1 : 0);
        Add(saga.Attention is not null);
        var resumed = 0;
        foreach (var answer in saga.Signals)
            resumed += answer.Signal is Resume ? 1 : 0;
        Add(resumed);
        if (!saga.Compensating)
            AddForward(saga);
        foreach (var step in saga.Steps)
        {
            if (saga.Compensating)
                Add(Forgotten(step.Do));
            Add(step.Planned.HasUndo);
            Add((int)step.Undo.Status);
            if (step.Undo.Broken)
                Add(Retry(saga, step, StepDirection.Undo));
        }
    }

    private void AddForward(SagaState saga)
    {
        Add((saga.PointOfNoReturn ? 1 : 0) | (saga.PauseRequested ? 2 : 0) | (saga.Approved ? 4 : 0) | ((int)saga.PreCopyVerdict << 3));
        foreach (var answer in saga.Signals)
            Add(answer.Signal is Abort ? 1 : answer.Signal is Pause ? 2 : 3);
        foreach (var timer in saga.Timers)
            if (timer.Name == "max-blackout")
                Add(timer.Fired);
        Add(saga.Steps.Length);
        foreach (var step in saga.Steps)
        {
            Add((int)step.Do.Status | (step.Do.Sequence > saga.StaleUpTo ? 16 : 0) | (step.Do.Unclear ? 32 : 0));
            if (step.Do.Broken)
                Add(Retry(saga, step, StepDirection.Do));
        }
    }

    private static int Forgotten(StepRun run) => run.Status == RunStatus.Running ? run.CancelRequested ? 3 : 2 : run.Dispatched ? 1 : 0;

    private static int Retry(SagaState saga, StepState step, StepDirection direction)
    {
        var run = step.Run(direction);
        var timer = saga.Timers.FirstOrDefault(t => t.Name.StartsWith($"retry:{step.Id}:", StringComparison.Ordinal) && !t.Fired);
        return (run.Tries * 8) + (run.Failure!.Retryable ? 4 : 0) + (timer is null ? 0 : 2) + (run.Status == RunStatus.Lapsed ? 1 : 0);
    }

    private void Add(World world)
    {
        Add((int)world.Source | ((int)world.Writer << 2) | ((int)world.Phase << 4) | ((int)world.SourceGuard << 8) | ((int)world.TargetGuard << 10));
        Add((world.Fenced ? 1 : 0) | (world.TargetRuns ? 2 : 0) | (world.Sealed ? 4 : 0) | (world.Prepared ? 8 : 0) | (world.StartedMark ? 16 : 0)
            | (world.Claim ? 32 : 0) | (world.Held ? 64 : 0) | (world.DnsNew ? 128 : 0) | (world.LateDnsToNew ? 256 : 0)
            | (world.TargetAcknowledged ? 512 : 0) | (world.DeadlinePassed ? 1024 : 0) | (world.Closed(true) ? 2048 : 0) | (world.Closed(false) ? 4096 : 0));
        // Only the distance to the source's version matters.
        Add(world.TargetVersion == World.NoData ? -1 : world.SourceVersion - world.TargetVersion);
        foreach (var manifest in world.Manifests)
            Add(manifest == World.NoData ? -1 : world.SourceVersion - manifest);
        // Sets, not lists: the order in which things were put under way is forgotten.
        uint puts = 0, attempts = 0;
        foreach (var put in world.LatePuts)
            puts += (uint)HashOf((int)put.Writer, (int)put.Phase, put.Held ? 1 : 0);
        Add((int)puts);
        ulong attemptsHigh = 0;
        foreach (var attempt in world.Attempts)
        {
            var newer = 0;
            foreach (var other in world.Attempts)
                newer += other.Step == attempt.Step && other.Sequence > attempt.Sequence ? 1 : 0;
            var one = HashOf(attempt.Step.GetHashCode(StringComparison.Ordinal), attempt.Position + (newer * 16) + ((int)attempt.Direction << 8),
                (attempt.Delivered ? 1 : 0) | (attempt.Ghost ? 2 : 0) | (attempt.Cancelled ? 4 : 0) | (attempt.Stale ? 8 : 0) | (attempt.Unclear ? 16 : 0));
            attempts += (uint)one;
            attemptsHigh += (ulong)one * (ulong)one;
        }
        Add((int)attempts);
        Add((int)(attemptsHigh >> 32));
        Add((int)attemptsHigh);
    }

    private static long HashOf(int a, int b, int c)
    {
        var key = new StateKey();
        key.Add(a);
        key.Add(b);
        key.Add(c);
        return (long)(key._high ^ key._low);
    }
}
