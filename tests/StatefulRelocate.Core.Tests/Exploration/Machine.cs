using System.Collections.Immutable;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Tests.Exploration;

/// <summary>The machine under exploration; a planted bug overrides one of its functions.</summary>
internal class Machine
{
    public virtual SagaState Start(RelocationPlan plan) => SagaMachine.Start(plan);

    public virtual SagaState Evolve(SagaState state, SagaEvent happened) => SagaMachine.Evolve(state, happened);

    public virtual ImmutableArray<SagaCommand> Decide(SagaState state) => SagaMachine.Decide(state);
}

/// <summary>Planted bug: what did not finish is taken for not done, so its undo is skipped.</summary>
internal sealed class SkipsUndoOfUnfinishedSteps : Machine
{
    public override SagaState Evolve(SagaState state, SagaEvent happened)
    {
        var next = base.Evolve(state, happened);
        return happened is StepFailed { Direction: StepDirection.Do } or StepLapsed { Direction: StepDirection.Do }
            ? next with { Steps = [.. next.Steps.Select(step => step.Do.Broken ? step with { Planned = step.Planned with { HasUndo = false } } : step)] }
            : next;
    }
}

/// <summary>Planted bug: a failure after the point of no return is undone, as any other.</summary>
internal sealed class UndoesAfterThePointOfNoReturn : Machine
{
    public override SagaState Evolve(SagaState state, SagaEvent happened)
    {
        var next = base.Evolve(state, happened);
        return next is { PointOfNoReturn: true, Compensating: false } && happened is StepFailed or StepLapsed
            ? next with { Compensation = new CompensationCause("a step failed", ByPerson: false) }
            : next;
    }
}

/// <summary>Planted bug: the plan has no fence; what depended on it depends on quiesce.</summary>
internal sealed class SkipsTheFence : Machine
{
    public override SagaState Start(RelocationPlan plan) => base.Start(plan with
    {
        Steps = [.. plan.Steps.Where(step => step.Kind != StepKind.Fence)
            .Select(step => step with { DependsOn = [.. step.DependsOn.Select(id => id == "fence" ? "quiesce" : id).Distinct()] })],
    });
}
