using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Dns;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Activities;

/// <summary>Turns what drivers and the data path throw into the failure of a step; cancellation stays what it is.</summary>
internal sealed class TypedFailures(IActivity inner) : IActivity
{
    public string Kind => inner.Kind;

    public Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken) => TypeAsync(inner.DoAsync(context, cancellationToken));

    public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => TypeAsync(inner.UndoAsync(context, cancellationToken));

    /// <summary>The failure that an exception of a lower layer comes to, or null when it is a defect of ours.</summary>
    public static ActivityException? Translate(Exception exception) => exception switch
    {
        ActivityException failure => failure,
        ObjectStoreException => new ActivityException("store-unreachable", exception.Message, retryable: true, exception),
        ClusterException cluster => new ActivityException(cluster.Code, cluster.Message, cluster.Retryable, exception),
        DnsException { Unanswered: true } => new ActivityException("dns-unanswered", exception.Message, retryable: true, exception),
        DnsException => new ActivityException("dns-refused", exception.Message, retryable: true, exception),
        RelocateException { ExitCode: ExitCode.Damage } => new ActivityException("damaged", exception.Message, retryable: false, exception),
        RelocateException { ExitCode: ExitCode.BadInput } => new ActivityException("bad-input", exception.Message, retryable: false, exception),
        RelocateException => new ActivityException("failed", exception.Message, retryable: true, exception),
        IOException or UnauthorizedAccessException => new ActivityException("io", exception.Message, retryable: true, exception),
        _ => null,
    };

    private static async Task<StepOutput> TypeAsync(Task<StepOutput> effect)
    {
        try
        {
            return await effect.ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not ActivityException && Translate(exception) is { } failure)
        {
            throw failure;
        }
    }
}
