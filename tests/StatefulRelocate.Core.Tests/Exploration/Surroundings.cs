using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Tests.Exploration;

/// <summary>All that moves beside attempts: timers, signals, the guards of the blackout on both agents, messages that land late.</summary>
internal static class Surroundings
{
    private const string BlackoutTimer = "max-blackout";
    private static readonly DateTimeOffset At = DateTimeOffset.UnixEpoch;

    public static IEnumerable<Node> Of(Node node) =>
        [.. LateMessages(node), .. SourceGuard(node), .. TargetGuard(node), .. Timers(node), .. node.Saga.Outcome is null ? Signals(node) : []];

    private static IEnumerable<Node> LateMessages(Node node)
    {
        foreach (var put in node.World.LatePuts)
        {
            var next = node.Next($"a late write lands: {put}");
            next.World.Put(put.Writer, put.Phase, put.Held);
            yield return next;
        }
        if (node.World.LateDnsToNew)
        {
            var next = node.Next("a late DNS message lands");
            (next.World.LateDnsToNew, next.World.DnsNew) = (false, true);
            yield return next;
        }
    }

    /// <summary>Wins the record back, or sees that there is nothing left to guard; then ends what runs there, and thaws.</summary>
    private static IEnumerable<Node> SourceGuard(Node node)
    {
        if (node.World is { DeadlinePassed: true, SourceGuard: Guard.Armed } && (IsOver(node.World) || node.World.Writer != Writer.Target))
        {
            var next = node.Next("the source's guard expires");
            next.World.SourceGuard = IsOver(next.World) ? Guard.Off : Guard.Expired;
            if (!IsOver(next.World))
                next.World.Put(Writer.Source, RelocationPhase.Undone, held: true);
            yield return next;
        }
        else if (node.World.SourceGuard == Guard.Expired)
        {
            var next = node.Next("the source's guard brings the app back");
            next.World.SourceClosedByGuard = true;
            Moves.Close(next, source: true);
            (next.World.SourceGuard, next.World.Fenced) = (Guard.Off, false);
            next.World.Thaw();
            yield return next;
        }
    }

    private static IEnumerable<Node> TargetGuard(Node node)
    {
        if (node.World is { DeadlinePassed: true, TargetGuard: Guard.Armed })
        {
            var next = node.Next("the target's guard expires");
            next.World.TargetGuard = IsOver(next.World) ? Guard.Off : Guard.Expired;
            if (!IsOver(next.World))
                next.World.Put(next.World.Writer, RelocationPhase.Undone, held: true);
            yield return next;
        }
        else if (node.World.TargetGuard == Guard.Expired)
        {
            var next = node.Next("the target's guard stops the app");
            next.World.TargetClosedByGuard = true;
            Moves.Close(next, source: false);
            (next.World.TargetGuard, next.World.TargetRuns) = (Guard.Off, false);
            if (next.World.Writer == Writer.Target)
                next.World.Put(Writer.Nobody, RelocationPhase.Undone, held: true);
            yield return next;
        }
    }

    /// <summary>Committed, or released after that: a guard that looks late must not take the record of a finished relocation for an uncommitted one.</summary>
    private static bool IsOver(World world) => world.Phase == RelocationPhase.Committed || !world.Held;

    private static IEnumerable<Node> Timers(Node node)
    {
        var pending = node.Saga.Timers.Where(timer => !timer.Fired).ToList();
        if (!node.World.DeadlinePassed && node.FaultsLeft > 0 && node.World.SourceGuard == Guard.Armed)
        {
            var next = node.Next("maxBlackout passes", 1);
            next.World.DeadlinePassed = true;
            yield return next;
        }
        if (node.Saga.Outcome is not null)
            yield break;
        foreach (var timer in pending)
        {
            if (timer.Name == BlackoutTimer && !(node.World.DeadlinePassed && node.Saga is { PointOfNoReturn: false, Compensating: false }))
                continue;
            var next = node.Next($"timer {timer.Name} fires");
            next.Happened(new TimerFired(timer.Name) { At = At });
            yield return next;
        }
    }

    private static IEnumerable<Node> Signals(Node node)
    {
        var saga = node.Saga;
        var sent = saga.Signals;
        if (node.SignalsLeft > 0 && !saga.Compensating && !sent.Any(answer => answer.Signal is Abort))
            yield return Signal(node, new Abort(), 1);
        if (node.SignalsLeft > 0 && !saga.Compensating && !sent.Any(answer => answer.Signal is Pause))
            yield return Signal(node, new Pause(), 1);
        if (saga.AwaitsApproval && !saga.Approved)
            yield return Signal(node, new Approve(), 0);
        var idle = node.World.Attempts.All(attempt => attempt.Ghost) && saga.Timers.All(timer => timer.Fired || timer.Name == BlackoutTimer);
        // A person who resumes again and again without success would hide that the machine is stuck.
        if ((saga.IsPaused || saga.Attention is not null) && idle && sent.Count(answer => answer.Signal is Resume) < node.Scenario.Faults + 3)
            yield return Signal(node, new Resume(), 0);
    }

    private static Node Signal(Node node, Signal signal, int cost)
    {
        var next = node.Next($"signal {signal.GetType().Name}", signals: cost);
        next.Happened(new SignalReceived($"{node.Saga.Signals.Length}", signal) { At = At });
        return next;
    }
}
