using System.Collections.Immutable;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;

namespace StatefulRelocate.Engines.Temporal.Workflows;

/// <summary>What queries answer, made from the state.</summary>
internal static class RelocationViews
{
    /// <summary>So that one answer stays far below what a server takes.</summary>
    private const int EventsOfAPage = 200;

    public static RelocationStatus Status(SagaState state) => new()
    {
        Relocation = state.Plan.RelocationId,
        App = state.Plan.Spec.App,
        Source = state.Plan.Spec.Source,
        Target = state.Plan.Spec.Target,
        State = SagaPhase.Describe(state),
        Outcome = state.Outcome,
        Reason = state.OutcomeReason ?? state.Compensation?.Reason,
        Attention = state.Attention,
        PointOfNoReturn = state.PointOfNoReturn,
        Epoch = state.Epoch,
        Steps = [.. state.Steps.Select(static step => new StepStatus(step.Id, step.Cluster, step.Do.Status, step.Undo.Dispatched ? step.Undo.Status : null))],
    };

    public static RelocationProgress Progress(SagaState state) => new()
    {
        StepsDone = state.Steps.Count(static step => step.Do.Status == RunStatus.Completed),
        StepsTotal = state.Steps.Length,
        Round = state.Round,
        BytesShipped = state.Steps.Where(static step => step.Kind == StepKind.Snapshot).Sum(static step => step.Do.Output?.Figures?.BytesShipped ?? 0),
        PredictedDowntimeMs = state.PredictedDowntime?.TotalMilliseconds,
    };

    public static EventPage Page(IReadOnlyList<SagaEvent> events, long after, string run, ImmutableArray<string> earlierRuns) =>
        new([.. events.Skip((int)Math.Clamp(after, 0, events.Count)).Take(EventsOfAPage)], events.Count, run, earlierRuns);
}
