using StatefulRelocate.Activities;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Engines;

/// <summary>How an engine reaches the agents.</summary>
public interface IActivityDispatcher
{
    /// <summary>
    /// Runs one attempt. Cancelling asks the agent to stop; the task still ends with the agent's answer, or with the end of the
    /// connection, so an engine that has waited long enough turns away from it.
    /// </summary>
    /// <param name="request">What is asked for; <see cref="ActivityRequest.Attempt"/> is set.</param>
    /// <param name="heartbeat">Called at each heartbeat.</param>
    /// <param name="cancellationToken">Asks the agent to stop.</param>
    /// <exception cref="ActivityException">The agent answered with a failure.</exception>
    /// <exception cref="AgentUnreachableException">No answer; it says whether the request may have been sent.</exception>
    Task<StepOutput> RunAsync(ActivityRequest request, Action<ActivityProgress> heartbeat, CancellationToken cancellationToken);
}
