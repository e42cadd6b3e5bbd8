using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores;

/// <summary>Opens the object store that a URL names: <c>dir:/absolute/path</c>.</summary>
public static class ObjectStoreUrl
{
    /// <summary>Opens it. A directory need not exist yet; the first put makes it.</summary>
    /// <exception cref="RelocateException">The URL is none that this version knows.</exception>
    public static IObjectStore Open(string url)
        => url.StartsWith("dir:", StringComparison.Ordinal)
            ? DirectoryObjectStore.Open(url[4..])
            : throw new RelocateException($"'{url}' is no repository URL; use dir:PATH");
}
