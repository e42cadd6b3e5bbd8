using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Relay;
using Temporalio.Api.Enums.V1;
using Temporalio.Exceptions;

namespace StatefulRelocate.Engines.Temporal.Workflows;

/// <summary>
/// What the failure of an activity means to the machine: an agent's own answer is a failed step; everything else, a timeout above all, is "unknown, maybe still
/// running".
/// </summary>
internal static class StepEnds
{
    public static SagaEvent Of(ActivityRequest request, ActivityFailureException error) => error.InnerException switch
    {
        ApplicationFailureException { ErrorType: RelayFailures.Answered } answer =>
            new StepFailed(request.Step, request.Direction, request.Sequence, FailureIn(answer)) { At = default },
        ApplicationFailureException { ErrorType: RelayFailures.Unanswered } silence => Lapsed(request, FailureIn(silence)),
        TimeoutFailureException timeout => Lapsed(request, Silence(request, timeout.TimeoutType)),
        CanceledFailureException => Lapsed(request, new StepFailure { Code = "cancelled", Message = $"{request.Step} was cancelled; what it did is unknown", Retryable = false }),
        { } other => Lapsed(request, new StepFailure { Code = "internal", Message = $"{request.Step}: {other.Message.ReplaceLineEndings(" ")}" }),
        null => Lapsed(request, new StepFailure { Code = "internal", Message = $"{request.Step}: {error.Message.ReplaceLineEndings(" ")}" }),
    };

    private static StepFailure FailureIn(ApplicationFailureException error) => error.Details.ElementAt<StepFailure>(0);

    private static StepLapsed Lapsed(ActivityRequest request, StepFailure failure) => new(request.Step, request.Direction, request.Sequence, failure) { At = default };

    private static StepFailure Silence(ActivityRequest request, TimeoutType type) => type switch
    {
        TimeoutType.ScheduleToStart => new StepFailure
        {
            Code = "no-agent",
            Message = $"no agent of {request.Cluster} took {request.Step} from its queue in time; is 'relocate-agent --cluster {request.Cluster}' running and connected?",
        },
        TimeoutType.Heartbeat => new StepFailure
        {
            Code = "heartbeat-timeout",
            Message = $"the agent of {request.Cluster} gave no sign of life on {request.Step} for {request.HeartbeatTimeout.TotalSeconds:0.###} s",
        },
        _ => new StepFailure
        {
            Code = FailureCode.Timeout,
            Message = $"the agent of {request.Cluster} did not answer {request.Step} within {request.Timeout.TotalSeconds:0.###} s",
        },
    };
}
