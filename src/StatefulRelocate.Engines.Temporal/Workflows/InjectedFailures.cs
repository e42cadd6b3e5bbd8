using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Engines.Temporal.Workflows;

/// <summary>
/// Failures asked for with <c>--fail-at</c>: each strikes one step, for good before the point of no return and twice after it. A part of a fused step stands for
/// the whole of it.
/// </summary>
internal sealed class InjectedFailures
{
    private const int FailuresPastTheLine = 2;

    private readonly List<Injection> _injections = [];

    public InjectedFailures(ImmutableArray<string> failAt)
    {
        foreach (var text in failAt)
        {
            var colon = text.LastIndexOf(':');
            _injections.Add(new Injection(colon < 0 ? text : text[..colon], Before: colon >= 0 && text[(colon + 1)..] == "before"));
        }
    }

    public StepFailed? Before(SagaState state, ActivityRequest request) => Strike(state, request, before: true);

    public StepFailed? After(SagaState state, ActivityRequest request) => Strike(state, request, before: false);

    private StepFailed? Strike(SagaState state, ActivityRequest request, bool before)
    {
        if (request.Direction != StepDirection.Do)
            return null;
        foreach (var injection in _injections)
        {
            if (injection.Before != before || injection.Times >= (state.PointOfNoReturn ? FailuresPastTheLine : 1) || !injection.Matches(request))
                continue;
            injection.Struck = request.Step;
            injection.Times++;
            return new StepFailed(request.Step, request.Direction, request.Sequence, new StepFailure
            {
                Code = "injected",
                Message = $"a failure was injected into {request.Step} ({(before ? "before" : "after")} its effect)",
                Retryable = state.PointOfNoReturn,
                Injected = true,
            })
            { At = default };
        }

        return null;
    }

    private sealed record Injection(string Step, bool Before)
    {
        public int Times { get; set; }

        public string? Struck { get; set; }

        public bool Matches(ActivityRequest request) =>
            Struck is null ? Step == request.Kind || Step == request.Step || request.Fused.Contains(Step) : Struck == request.Step;
    }
}
