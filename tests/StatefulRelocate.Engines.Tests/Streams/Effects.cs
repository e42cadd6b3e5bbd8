using StatefulRelocate.Activities;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Tests.Rig;

namespace StatefulRelocate.Engines.Tests.Streams;

/// <summary>The effect journal of one cluster, asked by hand.</summary>
internal sealed class Effects : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public Effects() => Restart();

    public EffectJournal Journal { get; private set; } = null!;

    public string File => _directory.File("apps/shop/effects.jsonl");

    /// <summary>What acted, in order.</summary>
    public List<string> Acted { get; } = [];

    public void Restart()
    {
        Journal?.Dispose();
        Journal = new EffectJournal(new DirectoryCluster(_directory.Path));
    }

    public static ActivityRequest Do(string step, long sequence, int attempt = 1, string relocation = "one", long epoch = 5, string? kind = null) => new()
    {
        RelocationId = relocation,
        Step = step,
        Kind = kind ?? step,
        Cluster = "a",
        Sequence = sequence,
        Attempt = attempt,
        Epoch = epoch,
        Spec = Plans.Spec,
    };

    public static ActivityRequest Undo(string step, long sequence, int attempt = 1, string relocation = "one", long epoch = 5) =>
        Do(step, sequence, attempt, relocation, epoch) with { Direction = StepDirection.Undo };

    /// <summary>An effect that is there at once.</summary>
    public Task<StepOutput> ActAsync(ActivityRequest request) => Journal.RunAsync(
        request,
        _ =>
        {
            lock (Acted)
                Acted.Add(request.Name());
            return Task.FromResult(new StepOutput { SnapshotId = $"{request.Name()} {request.Sequence}.{request.Attempt}" });
        },
        TestContext.Current.CancellationToken).Soon();

    /// <summary>An effect that takes until it is told, or cancelled.</summary>
    public LongEffect Begin(ActivityRequest request, bool deaf = false, CancellationTokenSource? sender = null) => new(this, request, deaf, sender);

    public static async Task<StepFailure> Refused(Task<StepOutput> attempt) => (await Assert.ThrowsAsync<ActivityException>(() => attempt.Soon())).Failure;

    public void Dispose()
    {
        Journal.Dispose();
        _directory.Dispose();
    }
}

/// <summary>An effect under way.</summary>
internal sealed class LongEffect
{
    private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="effects">Where.</param>
    /// <param name="request">What.</param>
    /// <param name="deaf">It takes no notice of its token, as one that cannot be cut short.</param>
    /// <param name="sender">Cancelled by who sent it.</param>
    public LongEffect(Effects effects, ActivityRequest request, bool deaf, CancellationTokenSource? sender) => Result = effects.Journal.RunAsync(
        request,
        async token =>
        {
            Acts = true;
            lock (effects.Acted)
                effects.Acted.Add(request.Name());
            await using var cancelled = token.Register(() => _cancelled.TrySetResult());
            await (deaf ? _end.Task : _end.Task.WaitAsync(token));
            return new StepOutput { SnapshotId = $"{request.Name()} {request.Sequence}.{request.Attempt}" };
        },
        sender?.Token ?? CancellationToken.None);

    public bool Acts { get; private set; }

    public Task Cancelled => _cancelled.Task.Soon();

    public Task<StepOutput> Result { get; }

    public void End() => _end.TrySetResult();
}
