using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Tests.Fixtures;

/// <summary>A store in which some objects are not to be seen, and are not put, until they are released; every object that is read is noted.</summary>
internal sealed class HeldStore(IObjectStore inner, string held) : PassingStore(inner)
{
    private long _rangeBytes;
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public System.Collections.Concurrent.ConcurrentBag<string> Read { get; } = [];

    public long RangeBytes => Interlocked.Read(ref _rangeBytes);

    public void Release() => _released.TrySetResult();

    public override async Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken)
    {
        if (!_released.Task.IsCompleted && name.StartsWith(held, StringComparison.Ordinal))
            return null;
        var found = await base.GetAsync(name, cancellationToken);
        if (found is not null)
            Read.Add(name);
        return found;
    }

    public override async Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
    {
        if (name.StartsWith(held, StringComparison.Ordinal))
            await _released.Task.WaitAsync(cancellationToken);
        return await base.PutAsync(name, content, condition, cancellationToken);
    }

    public override Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        Read.Add(name);
        _ = Interlocked.Add(ref _rangeBytes, destination.Length);
        return base.GetRangeAsync(name, offset, destination, cancellationToken);
    }
}
