using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Core.Saga;

/// <summary>
/// How a run goes on that knows nothing of an earlier one of the same relocation (terminated, timed out, or reset to a point that the world is past). It raises
/// the epoch on the source, then on the target, so that nothing of the earlier run can change the writer record any more, and reads the record and what the agents
/// remember. Where the record is committed it goes forward from <c>dns-switch</c>; where it is still held, everything that may have had an effect is undone;
/// where it was released, the earlier run had come to its end, and only what may be left of it is cleaned up.
/// </summary>
internal static class TakeOver
{
    private const string Source = "take-over-source";
    private const string Target = "take-over-target";

    public static SagaState Begin(SagaState state, string reason) => state.TakingOver is not null
        ? state
        : state with
        {
            TakingOver = reason,
            PauseRequested = false,
            Attention = null,
            Steps =
            [
                .. state.Steps.Where(static step => step.Kind != StepKind.TakeOver),
                StepOf(state.Plan, Source, state.Plan.Spec.Source),
                StepOf(state.Plan, Target, state.Plan.Spec.Target, Source),
            ],
        };

    public static void Decide(SagaState state, CommandList commands)
    {
        foreach (var step in state.Steps)
        {
            if (step.Kind != StepKind.TakeOver)
            {
                if (step.Do is { Status: RunStatus.Running, Dispatched: true, CancelRequested: false })
                    commands.Add(new CancelStep(step.Id, StepDirection.Do, step.Do.Sequence));
                continue;
            }

            if (step.Do.Status == RunStatus.Pending && Dependencies.Met(state, step))
                commands.Run(step, StepDirection.Do);
            if (step.Do.Broken)
                Retries.Decide(state, step, StepDirection.Do, commands);
        }

        Retries.DecideAttention(state, commands);
    }

    /// <summary>Once both sides have answered: what was found becomes the state.</summary>
    public static SagaState Settle(SagaState state, DateTimeOffset at)
    {
        if (state.TakingOver is not { } reason || Found(state, Source) is not { } source || Found(state, Target) is not { } target)
            return state;
        var spec = state.Plan.Spec;
        var found = state with
        {
            TakingOver = null,
            Sequence = Math.Max(state.Sequence, Math.Max(source.Sequence, target.Sequence)),
            Epoch = Math.Max(EpochOf(state, Source), EpochOf(state, Target)),
            Captures = Merged(state.Captures, source.Outputs, target.Outputs),
        };
        if (target is { Held: true, Phase: not RelocationPhase.Committed })
            return Back(found, $"taken over in phase {target.Phase.ToString().ToLowerInvariant()} ({reason})", at);
        // Released to the target by this relocation: the target's agent remembers that it switched the name.
        var isOver = !target.Held && string.Equals(target.Writer, spec.Target, StringComparison.Ordinal) && target.Outputs.Any(static output => output.Step == StepKind.DnsSwitch);
        return target.Held || isOver
            ? Forward(found, isOver, at)
            : CleanUp(found, $"the earlier run no longer held the writer record: it had undone everything, had not begun, or the lease was broken ({reason})", at);
    }

    /// <summary>Everything that may have had an effect is undone. The record is not committed, so nothing was sent to a DNS server that this run did not ask for.</summary>
    private static SagaState Back(SagaState state, string reason, DateTimeOffset at) =>
        Undoing(state, reason, at, static step => step.Kind != StepKind.DnsSwitch || step.Do.Dispatched);

    /// <summary>The record is not ours, so the app is not ours to stop or start; what may be left of the preparations goes, and a late take of the record loses.</summary>
    private static SagaState CleanUp(SagaState state, string reason, DateTimeOffset at) =>
        Undoing(state, reason, at, static step => step.Kind is StepKind.Lease or StepKind.Prepare);

    /// <summary>What may be left is undone, whether this run dispatched it or not; of the rest, what was dispatched counts as undone.</summary>
    private static SagaState Undoing(SagaState state, string reason, DateTimeOffset at, Func<StepState, bool> isLeft)
    {
        var undoing = state with { Compensation = state.Compensation ?? new CompensationCause(reason, ByPerson: false) };
        foreach (var step in state.Steps.Where(static step => step.Planned.HasUndo))
        {
            var left = isLeft(step);
            var run = left && !step.Do.Dispatched ? Unknown(undoing.Sequence + 1, at) : step.Do;
            undoing = (undoing with { Sequence = Math.Max(undoing.Sequence, run.Sequence) })
                .WithStep(step with { Do = run, Undo = left || !run.Dispatched ? StepRun.None : step.Undo with { Status = RunStatus.Completed } });
        }

        return undoing;
    }

    private static SagaState Forward(SagaState state, bool isOver, DateTimeOffset at)
    {
        var behind = true;
        var steps = ImmutableArray.CreateBuilder<StepState>(state.Steps.Length);
        foreach (var step in state.Steps)
        {
            behind &= step.Kind != StepKind.DnsSwitch;
            steps.Add(step.Kind == StepKind.TakeOver ? step : step with
            {
                // Over as the record has it; whether clients are sent to the target is asked all the same, and what comes after the release is made sure of.
                Do = behind || (isOver && step.Kind is not (StepKind.DnsVerify or StepKind.ReleaseLease)) ? Done(state, step, at) : StepRun.None,
                Undo = StepRun.None,
            });
        }

        return state with { PointOfNoReturn = true, Compensation = null, Steps = steps.MoveToImmutable() };
    }

    private static StepRun Unknown(long sequence, DateTimeOffset at) =>
        new() { Status = RunStatus.Lapsed, Sequence = sequence, StartedAt = at, EndedAt = at, Unclear = true };

    private static StepRun Done(SagaState state, StepState step, DateTimeOffset at) => step.Do.Status == RunStatus.Completed ? step.Do : new StepRun
    {
        Status = RunStatus.Completed,
        Sequence = Math.Max(step.Do.Sequence, 1),
        StartedAt = step.Do.StartedAt ?? at,
        EndedAt = at,
        Unclear = step.Do.Unclear,
        Output = state.Captures.FirstOrDefault(capture => capture.Step == step.Id)?.Output,
    };

    private static TakenOver? Found(SagaState state, string step) => state.Step(step)?.Do is { Status: RunStatus.Completed } run ? run.Output?.TakenOver : null;

    private static long EpochOf(SagaState state, string step) => state.Step(step)?.Do.Output?.Epoch ?? 0;

    private static ImmutableArray<CapturedOutput> Merged(ImmutableArray<CapturedOutput> known, params ReadOnlySpan<ImmutableArray<CapturedOutput>> remembered)
    {
        foreach (var outputs in remembered)
            foreach (var output in outputs)
                if (!known.Any(capture => capture.Step == output.Step))
                    known = known.Add(output);
        return known;
    }

    private static StepState StepOf(RelocationPlan plan, string id, string cluster, params ImmutableArray<string> dependsOn)
    {
        var queue = plan.Steps.FirstOrDefault(step => step.Cluster == cluster)?.TaskQueue;
        return new() { Id = id, Planned = new PlannedStep { Id = id, Kind = StepKind.TakeOver, Cluster = cluster, TaskQueue = queue, DependsOn = dependsOn } };
    }
}
