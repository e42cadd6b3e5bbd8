namespace StatefulRelocate.Snapshots.Storage;

/// <summary>
/// Where a repository's objects live. Names are relative, <c>/</c>-separated, made of <c>[a-z0-9._-]</c> segments. A put is atomic and
/// durable when it returns. All methods throw <see cref="ObjectStoreException"/> when the store cannot be reached or answers nonsense.
/// </summary>
public interface IObjectStore
{
    /// <summary>Where it is, for messages; without credentials.</summary>
    string Description { get; }

    /// <summary>Puts an object under a condition.</summary>
    /// <returns>The version tag of what was written, or null when the condition did not hold and nothing was written.</returns>
    Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken);

    /// <summary>Gets a whole object with its version tag, or null when there is none.</summary>
    Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken);

    /// <summary>Reads <paramref name="destination"/>.Length bytes from <paramref name="offset"/>; an object that ends before is an error.</summary>
    Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>The object's size in bytes, or null when there is none.</summary>
    Task<long?> SizeAsync(string name, CancellationToken cancellationToken);

    /// <summary>Lists names with a prefix, in ordinal order.</summary>
    IAsyncEnumerable<string> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Deletes an object; one that is not there is no error.</summary>
    Task DeleteAsync(string name, CancellationToken cancellationToken);
}

/// <summary>An object and the tag of the version that was read.</summary>
public sealed record StoredObject(byte[] Content, string Version);

/// <summary>When a put takes effect.</summary>
public readonly record struct PutCondition
{
    private PutCondition(bool absent, string? version) => (MustBeAbsent, MatchVersion) = (absent, version);

    /// <summary>Only when no object of that name exists.</summary>
    public bool MustBeAbsent { get; }

    /// <summary>Only when the object's version is this one.</summary>
    public string? MatchVersion { get; }

    /// <summary>Whatever is there.</summary>
    public static PutCondition Always => default;

    /// <summary>Only when no object of that name exists.</summary>
    public static PutCondition IfAbsent => new(true, null);

    /// <summary>Only when the object's version is the one given.</summary>
    public static PutCondition IfMatch(string version) => new(false, version);
}

/// <summary>The store could not be reached, or answered nonsense. After a put it is unknown whether it took effect.</summary>
public sealed class ObjectStoreException : Exception
{
    /// <summary>Makes one.</summary>
    public ObjectStoreException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}
