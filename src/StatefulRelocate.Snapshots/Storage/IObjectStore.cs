namespace StatefulRelocate.Snapshots.Storage;

/// <summary>
/// Where a repository's objects live. Names are relative, <c>/</c>-separated, made of <c>[a-z0-9._-]</c> segments. A put is atomic and
/// durable when it returns. All methods throw <see cref="ObjectStoreException"/> when the store cannot be reached or answers nonsense.
/// </summary>
public interface IObjectStore
{
    /// <summary>Where it is, for messages; without credentials.</summary>
    string Description { get; }

    /// <summary>
    /// How many ranges it is worth asking for at once, memory permitting. Default: two for each processor, as a disk is read best; a store behind a
    /// network is waited for, and says at least 16.
    /// </summary>
    int ConcurrentReads => Environment.ProcessorCount * 2;

    /// <summary>
    /// Puts an object under a condition. A version tag may be made from the content: what is changed under a condition on its version must
    /// never get the same content twice (sealed objects have a random salt).
    /// </summary>
    /// <returns>The version tag of what was written, or null when the condition did not hold and nothing was written.</returns>
    Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken);

    /// <summary>Gets a whole object with its version tag, or null when there is none.</summary>
    Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken);

    /// <summary>Reads <paramref name="destination"/>.Length bytes from <paramref name="offset"/>; an object that ends before is an error.</summary>
    Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>The object's size, version tag and time, or null when there is none.</summary>
    Task<ObjectHead?> HeadAsync(string name, CancellationToken cancellationToken);

    /// <summary>Lists the objects whose names have a prefix, by name in ordinal order, however many answers of the store that takes.</summary>
    IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Deletes an object; one that is not there is no error.</summary>
    Task DeleteAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes objects, many with one request where the store can; those that are not there are no error. When it throws, any of them may
    /// be gone and any may still be there.
    /// </summary>
    Task DeleteManyAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken);

    /// <summary>
    /// The store's own clock, from its own answer: the one that <see cref="ObjectInfo.LastModified"/> is set by, whatever this machine's
    /// clock says. To the second at least.
    /// </summary>
    Task<DateTimeOffset> ServerTimeAsync(CancellationToken cancellationToken);
}

/// <summary>An object and the tag of the version that was read.</summary>
public sealed record StoredObject(byte[] Content, string Version);

/// <summary>What a store says of an object without sending it.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Version">The version tag, as a put and a get tell it.</param>
/// <param name="LastModified">When it was put, by the store's clock.</param>
public sealed record ObjectHead(long Size, string Version, DateTimeOffset LastModified);

/// <summary>An object in a list.</summary>
/// <param name="Name">Its whole name.</param>
/// <param name="Size">Bytes.</param>
/// <param name="LastModified">When it was put, by the store's clock.</param>
public readonly record struct ObjectInfo(string Name, long Size, DateTimeOffset LastModified);

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

    /// <summary>The store works, and the object is at fault: it is not there, or ends before what was asked for. False by default.</summary>
    public bool ObjectAtFault { get; init; }
}
