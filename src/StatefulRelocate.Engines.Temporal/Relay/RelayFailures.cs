using StatefulRelocate.Activities;
using StatefulRelocate.Core.Activities;
using Temporalio.Exceptions;

namespace StatefulRelocate.Engines.Temporal.Relay;

/// <summary>How the failure of a step travels through Temporal: its own record as the detail, and whether it is an agent's answer as the type.</summary>
internal static class RelayFailures
{
    /// <summary>The agent answered.</summary>
    public const string Answered = "Answered";

    /// <summary>Nobody knows whether it acted.</summary>
    public const string Unanswered = "Unanswered";

    public static ApplicationFailureException Of(ActivityException answer) =>
        new(answer.Failure.Message, Answered, nonRetryable: !answer.Failure.Retryable, details: [answer.Failure]);

    public static ApplicationFailureException Of(string code, string message) =>
        new(message, Unanswered, nonRetryable: false, details: [new StepFailure { Code = code, Message = message }]);
}
