using System.Collections.Concurrent;
using System.Collections.Immutable;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Activities.Streams;

/// <summary>
/// The order of effects on this cluster's apps, durable in each app's directory. It decides whether a request may act: one of a lower
/// epoch, older than the step's mark, or a do of a closed relocation is refused; what is done already is answered from the record;
/// whatever is older is cancelled and waited for first.
/// </summary>
public sealed class EffectJournal : IDisposable
{
    private readonly ICluster _cluster;
    private readonly ConcurrentDictionary<string, AppEffects> _apps = new(StringComparer.Ordinal);

    /// <summary>Makes one over a cluster's app directories.</summary>
    public EffectJournal(ICluster cluster) => _cluster = cluster;

    /// <summary>The highest epoch seen for the app, or 0.</summary>
    public long HighestEpoch(string app) => Of(app).HighestEpoch;

    /// <summary>Whether the relocation's dos are refused on this cluster.</summary>
    public bool IsClosed(string app, string relocationId) => Of(app).IsClosed(relocationId);

    /// <summary>What is remembered of a relocation: the highest sequence number seen, and the outputs of its dos in the order of their dispatch.</summary>
    public (long Sequence, ImmutableArray<CapturedOutput> Outputs) Recall(string app, string relocationId) => Of(app).Recall(relocationId);

    /// <summary>
    /// Refuses the relocation's dos from now on (durable), cancels those in flight and waits until they ended. What an undo does first,
    /// and the blackout guard at its deadline.
    /// </summary>
    public Task CloseAsync(string app, string relocationId, CancellationToken cancellationToken) => Of(app).CloseAsync(relocationId, cancellationToken);

    /// <summary>Waits for the app's undos to end and keeps others out until disposed: undos of one app act one at a time, the guard's included.</summary>
    public Task<IDisposable> EnterUndoAsync(string app, CancellationToken cancellationToken) => Of(app).EnterUndoAsync(cancellationToken);

    /// <summary>Lets a request act, behind everything older; answers it from the record when its effect is there.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="act">The effect; its token falls when something newer supersedes it.</param>
    /// <param name="cancellationToken">The request was cancelled by who sent it.</param>
    /// <exception cref="ActivityException">Refused, or what <paramref name="act"/> threw.</exception>
    public Task<StepOutput> RunAsync(ActivityRequest request, Func<CancellationToken, Task<StepOutput>> act, CancellationToken cancellationToken) =>
        Of(request.Spec.App).RunAsync(request, act, cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var app in _apps.Values)
            app.Dispose();
    }

    private AppEffects Of(string app) => _apps.GetOrAdd(app, static (name, cluster) => new AppEffects(Path.Combine(cluster.AppDirectory(name), "effects.jsonl"), () => cluster.ReadWriterState(name).HighestEpoch), _cluster);
}
