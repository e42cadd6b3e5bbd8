using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Core.Saga;

/// <summary>Collects the commands of one decision; every dispatch in it gets the next sequence number.</summary>
internal sealed class CommandList(SagaState state)
{
    private readonly ImmutableArray<SagaCommand>.Builder _commands = ImmutableArray.CreateBuilder<SagaCommand>();
    private long _sequence = state.Sequence;

    public void Add(SagaCommand command) => _commands.Add(command);

    public void Run(StepState step, StepDirection direction) => Add(new RunStep(Request(state, step, direction, ++_sequence)));

    public ImmutableArray<SagaCommand> ToImmutable() => _commands.DrainToImmutable();

    public static ActivityRequest Request(SagaState state, StepState step, StepDirection direction, long sequence) => new()
    {
        RelocationId = state.Plan.RelocationId,
        Step = step.Id,
        Kind = step.Kind,
        Cluster = step.Cluster ?? "",
        Round = Does(step.Planned, StepKind.FinalSnapshot) || Does(step.Planned, StepKind.FinalRestore) ? PreCopy.LastRound(state) + 1 : step.Round,
        Fused = step.Planned.Fused,
        Direction = direction,
        Sequence = sequence,
        // Who takes over does not know the epoch yet.
        Epoch = step.Kind == StepKind.TakeOver ? 0 : state.Epoch,
        Spec = state.Plan.Spec,
        Captures = state.Captures,
        BlackoutLeft = direction == StepDirection.Do && Blackout.Holds(step.Kind) ? Blackout.Left(state) : null,
        StartDispatched = state.WasDispatched(StepKind.Start),
        Timeout = step.Planned.Timeout,
        HeartbeatTimeout = step.Planned.HeartbeatTimeout,
    };

    private static bool Does(PlannedStep planned, string kind) => planned.Kind == kind || planned.Fused.Contains(kind);
}
