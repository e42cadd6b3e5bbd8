using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Engines;

/// <summary>What all relocations of one engine share.</summary>
internal sealed class EngineContext(RelocationJournal journal, IActivityDispatcher dispatcher, EmbeddedEngineOptions options)
{
    private readonly Random _jitter = new(options.JitterSeed);

    public RelocationJournal Journal { get; } = journal;

    public IActivityDispatcher Dispatcher { get; } = dispatcher;

    public EmbeddedEngineOptions Options { get; } = options;

    public TimeProvider Time => Options.Time;

    /// <summary>The wait before an attempt: grows by the policy, off by up to a fifth, so that many that failed together do not return together.</summary>
    public TimeSpan Wait(RetryPolicy policy, int failures)
    {
        double share;
        lock (_jitter)
            share = 0.8 + (0.4 * _jitter.NextDouble());
        var wait = policy.InitialInterval * Math.Pow(policy.BackoffCoefficient, Math.Min(failures, 32) - 1);
        return (wait < policy.MaximumInterval ? wait : policy.MaximumInterval) * share;
    }
}
