using System.Runtime.CompilerServices;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores;

/// <summary>Objects as files below a directory. Safe for several processes, also on a shared disk, without locks.</summary>
public sealed class DirectoryObjectStore : IObjectStore
{
    private DirectoryObjectStore(string root) => Description = "dir:" + root;

    /// <inheritdoc />
    public string Description { get; }

    /// <summary>Opens the store in a directory, which need not exist yet.</summary>
    public static DirectoryObjectStore Open(string path) => new(Path.GetFullPath(path));

    /// <inheritdoc />
    public Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken) => throw new NotSupportedException(Description);

    /// <inheritdoc />
    public Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException(Description);

    /// <inheritdoc />
    public Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) => throw new NotSupportedException(Description);

    /// <inheritdoc />
    public Task<long?> SizeAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException(Description);

    /// <inheritdoc />
    public async IAsyncEnumerable<string> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        yield break;
    }

    /// <inheritdoc />
    public Task DeleteAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException(Description);
}
