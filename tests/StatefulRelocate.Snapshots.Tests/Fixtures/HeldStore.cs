using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Tests.Fixtures;

/// <summary>A store in which some objects are not to be seen, and are not put, until they are released; every object that is read is noted.</summary>
internal sealed class HeldStore(IObjectStore inner, string held) : IObjectStore
{
    private long _rangeBytes;
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Description => inner.Description;

    public System.Collections.Concurrent.ConcurrentBag<string> Read { get; } = [];

    public long RangeBytes => Interlocked.Read(ref _rangeBytes);

    public void Release() => _released.TrySetResult();

    public async Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken)
    {
        if (!_released.Task.IsCompleted && name.StartsWith(held, StringComparison.Ordinal))
            return null;
        var found = await inner.GetAsync(name, cancellationToken);
        if (found is not null)
            Read.Add(name);
        return found;
    }

    public async Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
    {
        if (name.StartsWith(held, StringComparison.Ordinal))
            await _released.Task.WaitAsync(cancellationToken);
        return await inner.PutAsync(name, content, condition, cancellationToken);
    }

    public Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        Read.Add(name);
        _ = Interlocked.Add(ref _rangeBytes, destination.Length);
        return inner.GetRangeAsync(name, offset, destination, cancellationToken);
    }

    public Task<ObjectHead?> HeadAsync(string name, CancellationToken cancellationToken) => inner.HeadAsync(name, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public Task DeleteAsync(string name, CancellationToken cancellationToken) => inner.DeleteAsync(name, cancellationToken);

    public Task DeleteManyAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) => inner.DeleteManyAsync(names, cancellationToken);

    public Task<DateTimeOffset> ServerTimeAsync(CancellationToken cancellationToken) => inner.ServerTimeAsync(cancellationToken);
}
