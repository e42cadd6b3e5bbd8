using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Tests.Fixtures;

/// <summary>A store in which some objects are not to be seen until they are released, and every object that is read is noted.</summary>
internal sealed class HeldStore(IObjectStore inner, string held) : IObjectStore
{
    private volatile bool _released;

    public string Description => inner.Description;

    public System.Collections.Concurrent.ConcurrentBag<string> Read { get; } = [];

    public void Release() => _released = true;

    public async Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken)
    {
        if (!_released && name.StartsWith(held, StringComparison.Ordinal))
            return null;
        var found = await inner.GetAsync(name, cancellationToken);
        if (found is not null)
            Read.Add(name);
        return found;
    }

    public Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
        => inner.PutAsync(name, content, condition, cancellationToken);

    public Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        Read.Add(name);
        return inner.GetRangeAsync(name, offset, destination, cancellationToken);
    }

    public Task<ObjectHead?> HeadAsync(string name, CancellationToken cancellationToken) => inner.HeadAsync(name, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public Task DeleteAsync(string name, CancellationToken cancellationToken) => inner.DeleteAsync(name, cancellationToken);

    public Task DeleteManyAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) => inner.DeleteManyAsync(names, cancellationToken);

    public Task<DateTimeOffset> ServerTimeAsync(CancellationToken cancellationToken) => inner.ServerTimeAsync(cancellationToken);
}
