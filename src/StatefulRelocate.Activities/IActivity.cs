using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Activities;

/// <summary>
/// The effect of one kind of step, and its inverse. Both are idempotent: a second call after any crash finds what the first
/// did and goes on. An undo is right when its do had no effect, all of it, or a part.
/// </summary>
public interface IActivity
{
    /// <summary>One of <see cref="Core.Plans.StepKind"/>.</summary>
    string Kind { get; }

    /// <summary>The effect. A failure is an <see cref="ActivityException"/>.</summary>
    Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken);

    /// <summary>The inverse.</summary>
    Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken);
}

/// <summary>What an activity is told, and how it speaks while it runs.</summary>
public sealed class ActivityContext
{
    private readonly Action<ActivityProgress> _heartbeat;

    /// <summary>Makes one.</summary>
    public ActivityContext(ActivityRequest request, Action<ActivityProgress> heartbeat) => (Request, _heartbeat) = (request, heartbeat);

    /// <summary>What is asked for.</summary>
    public ActivityRequest Request { get; }

    /// <summary>Says that the activity lives, and how far it is. Cheap; call it often. The host adds beats of its own while the activity runs.</summary>
    public void Heartbeat(ActivityProgress progress) => _heartbeat(progress);
}

/// <summary>An activity failed; the failure travels to the engine as it is.</summary>
public sealed class ActivityException : Exception
{
    /// <summary>Makes one.</summary>
    public ActivityException(StepFailure failure, Exception? inner = null) : base(failure.Message, inner) => Failure = failure;

    /// <summary>Makes one from its parts.</summary>
    public ActivityException(string code, string message, bool retryable = true, Exception? inner = null)
        : this(new StepFailure { Code = code, Message = message, Retryable = retryable }, inner)
    {
    }

    /// <summary>What travels.</summary>
    public StepFailure Failure { get; }
}
