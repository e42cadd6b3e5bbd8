using System.Collections.Concurrent;
using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Engines.Tests.Rig;

/// <summary>How one attempt goes.</summary>
internal delegate Task<StepOutput> Attempt(ActivityRequest request, Action<ActivityProgress> heartbeat, CancellationToken cancel);

/// <summary>Agents without processes: each attempt goes as the test says; without a word it succeeds at once.</summary>
internal sealed class ScriptedDispatcher : IActivityDispatcher
{
    private readonly ConcurrentQueue<ActivityRequest> _requests = [];
    private readonly ConcurrentDictionary<string, Attempt> _attempts = [];

    /// <summary>Every attempt, in the order of dispatch.</summary>
    public ImmutableArray<ActivityRequest> Requests => [.. _requests];

    public ImmutableArray<int> AttemptsOf(string name) => [.. Requests.Where(request => request.Name() == name).Select(request => request.Attempt)];

    /// <param name="name"><c>start</c>, or <c>undo start</c>.</param>
    /// <param name="attempt">How each attempt goes.</param>
    public void On(string name, Attempt attempt) => _attempts[name] = attempt;

    /// <summary>It takes until the returned source is set, cancelled or not.</summary>
    public TaskCompletionSource<StepOutput> Hold(string name)
    {
        var held = new TaskCompletionSource<StepOutput>(TaskCreationOptions.RunContinuationsAsynchronously);
        On(name, (_, _, _) => held.Task);
        return held;
    }

    public Task<StepOutput> RunAsync(ActivityRequest request, Action<ActivityProgress> heartbeat, CancellationToken cancellationToken)
    {
        _requests.Enqueue(request);
        return _attempts.TryGetValue(request.Name(), out var attempt) ? attempt(request, heartbeat, cancellationToken) : Task.FromResult(Plans.OutputOf(request));
    }
}
