using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Tests.Exploration;

/// <summary>How attempts move on: delivery under the agent's rules, effects one by one, answers; and the faults of each.</summary>
internal sealed class Moves(Effects effects)
{
    private static readonly DateTimeOffset At = DateTimeOffset.UnixEpoch;

    public IEnumerable<Node> Of(Node node)
    {
        for (var i = 0; i < node.World.Attempts.Count; i++)
        {
            var attempt = node.World.Attempts[i];
            if (!attempt.Delivered)
            {
                if (MayArrive(node.World, attempt) && Arrive(node, i, attempt) is { } arrived)
                    yield return arrived;
            }
            else if (attempt.Position < effects.Of(attempt).Length)
            {
                if (Act(node, i, attempt) is { } next)
                    yield return next;
            }
            else if (!attempt.Ghost)
            {
                yield return Answer(node, i, attempt);
            }
            if (attempt.Ghost)
                continue;
            if (attempt.Cancelled)
                yield return Failed(node, i, attempt, "cancelled", 0, new StepFailure { Code = "cancelled", Message = "" });
            if (node.FaultsLeft > 0)
                foreach (var fault in Faults(node, i, attempt))
                    yield return fault;
        }
    }

    /// <summary>A guard closes the relocation on its agent: ghosts disappear, the engine's attempts are answered with a failure.</summary>
    public static void Close(Node node, bool source) => End(node, attempt => attempt.OnSource == source && IsEndedByClosing(attempt));

    private static void End(Node node, Func<Attempt, bool> which)
    {
        var ended = node.World.Attempts.Where(a => a.Delivered && which(a)).ToList();
        foreach (var attempt in ended)
            node.World.Attempts.Remove(attempt);
        foreach (var attempt in ended.Where(a => !a.Ghost))
            node.Happened(new StepFailed(attempt.Step, attempt.Direction, attempt.Sequence, Superseded) { At = At });
    }

    private static bool IsEndedByClosing(Attempt attempt) =>
        attempt.Direction == StepDirection.Do && !StepKind.IsPastPointOfNoReturn(attempt.Kind);

    private static StepFailure Superseded => new() { Code = FailureCode.Superseded, Message = "", Retryable = false };

    /// <summary>Undos of one app run one at a time on its agent.</summary>
    private static bool MayArrive(World world, Attempt attempt) => attempt.Direction == StepDirection.Do
        || !world.Attempts.Any(a => a.Delivered && a.Direction == StepDirection.Undo && a.OnSource == attempt.OnSource && a.Step != attempt.Step);

    /// <summary>
    /// A do is let in and has its first effect in one: in between nothing can happen to it that could not happen before. An undo closes the
    /// door first, which others see.
    /// </summary>
    private Node? Arrive(Node node, int index, Attempt attempt)
    {
        var arrived = Deliver(node, index, attempt);
        var now = arrived.World.Attempts.FindIndex(a => a == attempt with { Delivered = true });
        if (now < 0 || attempt.Direction == StepDirection.Undo)
            return arrived;
        return effects.Of(attempt).Length > 0 ? Act(arrived, now, attempt with { Delivered = true })
            : attempt.Ghost ? null : Answer(arrived, now, attempt with { Delivered = true });
    }

    private static bool IsRefused(World world, Attempt attempt) =>
        !attempt.Delivered && (attempt.Stale || (IsEndedByClosing(attempt) && world.Closed(attempt.OnSource)));

    private static Node Deliver(Node node, int index, Attempt attempt)
    {
        var next = node.Next($"{Name(attempt)} arrives");
        var world = next.World;
        if (IsRefused(world, attempt))
        {
            world.Attempts.RemoveAt(index);
            if (!attempt.Ghost)
                next.Happened(new StepFailed(attempt.Step, attempt.Direction, attempt.Sequence, Superseded) { At = At });
            return next;
        }
        world.Attempts[index] = attempt with { Delivered = true };
        // A newer dispatch of the step: older ones that run are ended, older ones in transit will be refused.
        for (var i = world.Attempts.Count - 1; i >= 0; i--)
            if (world.Attempts[i] is var other && other.Step == attempt.Step && other.Sequence < attempt.Sequence && other.Ghost)
                if (other.Delivered)
                    world.Attempts.RemoveAt(i);
                else
                    world.Attempts[i] = other with { Stale = true };
        if (attempt.Direction == StepDirection.Do)
            return next;
        if (attempt.OnSource)
            world.SourceClosedByUndo = true;
        else
            world.TargetClosedByUndo = true;
        End(next, other => other.OnSource == attempt.OnSource && other.Direction == StepDirection.Do);
        return next;
    }

    private Node? Act(Node node, int index, Attempt attempt)
    {
        var next = node.Next($"{Name(attempt)} acts ({attempt.Position + 1})");
        switch (effects.Of(attempt)[attempt.Position].Act(next.World, attempt))
        {
            case EffectResult.Done when attempt.Ghost && attempt.Position + 1 == effects.Of(attempt).Length:
                next.World.Attempts.RemoveAt(index);
                return next;
            case EffectResult.Done:
                next.World.Attempts[index] = attempt with { Position = attempt.Position + 1 };
                return next;
            case EffectResult.Waits:
                return null;
            case EffectResult.CommitLost:
                return Failed(node, index, attempt, "loses the swap to committed", 0,
                    new StepFailure { Code = FailureCode.CommitLost, Message = "", Retryable = false, CertainlyNoEffect = true });
            default:
                return Failed(node, index, attempt, "cannot", 0, new StepFailure { Code = "refused", Message = "" });
        }
    }

    private Node Answer(Node node, int index, Attempt attempt)
    {
        if (effects.Look(node.World, attempt) == EffectResult.Fails)
            return Failed(node, index, attempt, "sees that it is not so", 0, new StepFailure { Code = "refused", Message = "" });
        var next = node.Next($"{Name(attempt)} is answered");
        next.World.Attempts.RemoveAt(index);
        next.Happened(new StepCompleted(attempt.Step, attempt.Direction, attempt.Sequence, node.Scenario.Output(attempt.Kind, Math.Max(1, attempt.Round))) { At = At });
        return next;
    }

    private IEnumerable<Node> Faults(Node node, int index, Attempt attempt)
    {
        var mustSucceed = attempt.Direction == StepDirection.Undo || node.Saga.PointOfNoReturn;
        yield return Failed(node, index, attempt, "fails", 1, new StepFailure { Code = "broken", Message = "" });
        if (mustSucceed)
            yield return Failed(node, index, attempt, "fails for good", 1, new StepFailure { Code = "broken", Message = "", Retryable = false });
        if (attempt is { Kind: StepKind.DnsSwitch, Direction: StepDirection.Do, Position: 1, Unclear: false } && node.World is { DnsNew: false, LateDnsToNew: false })
            yield return Failed(node, index, attempt, "is refused by every DNS server", 1,
                new StepFailure { Code = "dns-refused", Message = "", Retryable = false, CertainlyNoEffect = true });
        yield return Lapsed(node, index, attempt, "dies");
        var program = effects.Of(attempt);
        if (attempt.Position < program.Length && attempt.Kind is not StepKind.Preflight)
        {
            var ghost = Lapsed(node, index, attempt, "goes on unheard");
            ghost.World.Attempts.Add(attempt with { Ghost = true, Cancelled = false });
            yield return ghost;
        }
        // A crash between effect and record: the engine's retry finds what was done and does it again.
        if (attempt.Position > 0)
        {
            var again = node.Next($"{Name(attempt)} crashes and is tried again", 1);
            again.World.Attempts[index] = attempt with { Position = 0, Delivered = false, Unclear = true };
            yield return again;
        }
        if (!IsRefused(node.World, attempt) && attempt.Position < program.Length && program[attempt.Position].Reach != Reach.Local)
        {
            yield return Late(Lapsed(node, index, attempt, "dies, its last message under way"), attempt);
            var again = node.Next($"{Name(attempt)} dies, its last message under way, and is tried again", 1);
            again.World.Attempts[index] = attempt with { Position = 0, Delivered = false, Unclear = true };
            yield return Late(again, attempt);
        }
    }

    /// <summary>Leaves the message of the next effect under way: it takes effect later, if what it is conditional on still holds.</summary>
    private Node Late(Node node, Attempt attempt)
    {
        var effect = effects.Of(attempt)[attempt.Position];
        if (effect.Reach == Reach.DnsMessage)
        {
            node.World.LateDnsToNew = true;
            return node;
        }
        var would = node.World.Clone();
        if (effect.Act(would, attempt) == EffectResult.Done)
            node.World.LatePuts.Add(new LatePut(would.Writer, would.Phase, would.Held));
        return node;
    }

    private static Node Failed(Node node, int index, Attempt attempt, string how, int cost, StepFailure failure)
    {
        var next = node.Next($"{Name(attempt)} {how}", cost);
        next.World.Attempts.RemoveAt(index);
        next.Happened(new StepFailed(attempt.Step, attempt.Direction, attempt.Sequence, failure) { At = At });
        return next;
    }

    private static Node Lapsed(Node node, int index, Attempt attempt, string how)
    {
        var next = node.Next($"{Name(attempt)} {how}", 1);
        next.World.Attempts.RemoveAt(index);
        next.Happened(new StepLapsed(attempt.Step, attempt.Direction, attempt.Sequence, new StepFailure { Code = FailureCode.Timeout, Message = "" }) { At = At });
        return next;
    }

    private static string Name(Attempt attempt) =>
        $"{(attempt.Ghost ? "late " : "")}{(attempt.Direction == StepDirection.Undo ? "undo of " : "")}{attempt.Step}#{attempt.Sequence}";
}
