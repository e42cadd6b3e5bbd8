namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>Decides which names stay out of a snapshot. Asked by one thread, parents before their children.</summary>
public interface IEntryFilter
{
    /// <summary>Whether the name is left out; below a directory that is, nothing more is asked for. Never asked for a volume's own directory.</summary>
    /// <param name="entry">The name.</param>
    bool Excludes(in FilteredEntry entry);
}

/// <summary>A name that a walk found.</summary>
/// <param name="Volume">The volume's name.</param>
/// <param name="Path">Relative to the volume, <c>/</c>-separated; its bytes held as Latin-1, so that names that are no UTF-8 survive.</param>
/// <param name="AbsolutePath">For opening it; decoded as UTF-8.</param>
/// <param name="IsDirectory">Whether it is a directory (a link to one is not).</param>
/// <param name="Size">Bytes, of a file; else 0.</param>
public readonly record struct FilteredEntry(string Volume, string Path, string AbsolutePath, bool IsDirectory, long Size);
