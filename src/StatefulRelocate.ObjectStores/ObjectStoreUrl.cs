using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores.Azure;
using StatefulRelocate.ObjectStores.S3;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores;

/// <summary>Opens the object store that a URL names (docs/object-stores.md).</summary>
public static class ObjectStoreUrl
{
    /// <summary>Opens it; nothing is read or written yet. A directory need not exist; the first put makes it.</summary>
    /// <exception cref="RelocateException">The URL is none.</exception>
    /// <exception cref="ObjectStoreException">What the store needs beside the URL is missing.</exception>
    public static IObjectStore Open(string url) => Open(RepositoryUrl.Parse(url), TimeProvider.System);

    /// <summary>Opens it; nothing is read or written yet. A directory need not exist; the first put makes it.</summary>
    /// <exception cref="RelocateException">A file that the URL names cannot be read.</exception>
    /// <exception cref="ObjectStoreException">What the store needs beside the URL is missing.</exception>
    public static IObjectStore Open(RepositoryUrl url, TimeProvider time) => url switch
    {
        DirectoryRepository directory => DirectoryObjectStore.Open(directory.Path),
        S3Repository bucket => S3ObjectStore.Open(bucket, time),
        AzureBlobRepository container => AzureBlobObjectStore.Open(container, time),
        _ => throw new RelocateException($"'{url}' is no repository URL; use {RepositoryUrl.Forms}"),
    };
}
