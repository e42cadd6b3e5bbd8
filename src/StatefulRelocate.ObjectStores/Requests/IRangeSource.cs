namespace StatefulRelocate.ObjectStores.Requests;

/// <summary>Single requests for parts of objects; a connection that breaks within an answer is an <see cref="IOException"/>.</summary>
internal interface IRangeSource
{
    /// <summary>Runs attempts of a request.</summary>
    Task<T> RunAsync<T>(string action, string name, long bytes, Func<CancellationToken, Task<T>> request, CancellationToken cancellationToken);

    /// <summary>The first bytes of an object, or null when there is none.</summary>
    Task<FirstRange?> FirstAsync(string name, int most, CancellationToken token);

    /// <summary>Fills <paramref name="destination"/> from an offset, of that version only if one is given.</summary>
    Task<RangeRead> RangeAsync(string name, long offset, Memory<byte> destination, string? version, CancellationToken token);
}

/// <summary>The first bytes of an object, its whole size and its version.</summary>
internal sealed record FirstRange(byte[] Content, long Total, string Version);

/// <summary>What became of the reading of a range.</summary>
internal enum RangeRead
{
    /// <summary>It was read.</summary>
    Done,

    /// <summary>There is no such object.</summary>
    Missing,

    /// <summary>The object ends before.</summary>
    Short,

    /// <summary>It is another version.</summary>
    Replaced,
}
