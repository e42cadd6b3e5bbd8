namespace StatefulRelocate.Benchmarks.Places;

/// <summary>Where repositories are kept.</summary>
internal abstract class Place : IDisposable
{
    public abstract string Name { get; }

    /// <summary>The directory that holds what was stored under a name.</summary>
    public abstract string Contents(string repository);

    /// <summary>Bytes in a repository, as the lengths of its files; a server's own bookkeeping counts.</summary>
    public long StoredBytes(string repository)
    {
        var directory = new DirectoryInfo(Contents(repository));
        return directory.Exists ? directory.EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length) : 0;
    }

    /// <summary>Requests answered so far; null where nobody counts.</summary>
    public virtual long? Requests() => null;

    public virtual void Dispose()
    {
    }
}

/// <summary>Repositories in a local directory.</summary>
internal sealed class DirectoryPlace(string root) : Place
{
    public override string Name => "directory";

    public override string Contents(string repository) => Path.Combine(root, repository);
}
