namespace StatefulRelocate.Snapshots.Memory;

/// <summary>
/// Bytes that the buffers of one round share. Whoever wants a buffer takes its size first and waits, first come first served, while too
/// much is taken; a single wish larger than everything is granted when nothing else is taken.
/// </summary>
internal sealed class MemoryBudget
{
    /// <summary>Less does not hold the buffers that every round needs.</summary>
    public const long Least = 64L << 20;

    private readonly Lock _lock = new();
    private readonly Queue<(long Bytes, TaskCompletionSource Granted)> _waiting = [];

    public MemoryBudget(long bytes) => Limit = bytes;

    public long Limit { get; }

    /// <summary>Bytes taken now.</summary>
    public long Taken { get; private set; }

    /// <summary>The most that was ever taken at once.</summary>
    public long Peak { get; private set; }

    /// <summary>Takes bytes, to be given back by <see cref="Release"/>; waits while there are too few.</summary>
    public ValueTask TakeAsync(long bytes, CancellationToken cancellationToken)
    {
        TaskCompletionSource granted;
        lock (_lock)
        {
            if (_waiting.Count == 0 && Fits(bytes))
            {
                Grant(bytes);
                return ValueTask.CompletedTask;
            }

            granted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue((bytes, granted));
        }

        return new ValueTask(WaitAsync(granted, cancellationToken));
    }

    public void Release(long bytes)
    {
        lock (_lock)
        {
            Taken -= bytes;
            while (_waiting.TryPeek(out var next) && (next.Granted.Task.IsCompleted || Fits(next.Bytes)))
            {
                _ = _waiting.Dequeue();
                if (next.Granted.TrySetResult())
                    Grant(next.Bytes);
            }
        }
    }

    private async Task WaitAsync(TaskCompletionSource granted, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.Register(() =>
        {
            // Whoever waited behind the one that gave up may fit now.
            if (granted.TrySetCanceled(cancellationToken))
                Release(0);
        });
        await granted.Task.ConfigureAwait(false);
    }

    private bool Fits(long bytes) => Taken == 0 || Taken + bytes <= Limit;

    private void Grant(long bytes)
    {
        Taken += bytes;
        Peak = Math.Max(Peak, Taken);
    }
}
