using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Tests.Fixtures;

/// <summary>Passes everything on to another store; a test overrides what it is about.</summary>
internal abstract class PassingStore(IObjectStore inner) : IObjectStore
{
    public string Description => inner.Description;

    public virtual Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken) => inner.PutAsync(name, content, condition, cancellationToken);

    public virtual Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken) => inner.GetAsync(name, cancellationToken);

    public virtual Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) => inner.GetRangeAsync(name, offset, destination, cancellationToken);

    public virtual Task<ObjectHead?> HeadAsync(string name, CancellationToken cancellationToken) => inner.HeadAsync(name, cancellationToken);

    public virtual IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public virtual Task DeleteAsync(string name, CancellationToken cancellationToken) => inner.DeleteAsync(name, cancellationToken);

    public virtual Task DeleteManyAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) => inner.DeleteManyAsync(names, cancellationToken);

    public virtual Task<DateTimeOffset> ServerTimeAsync(CancellationToken cancellationToken) => inner.ServerTimeAsync(cancellationToken);
}
