using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using StatefulRelocate.ObjectStores.Native;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores;

/// <summary>
/// Objects as files below a directory. Safe for several processes, also on a shared disk, without locks: a new file appears under its
/// name complete and fsynced, or not at all. Objects below <c>leases/</c> take conditions on their version: each version is a file of
/// its own, <c>NAME@NUMBER</c>, created exclusively by link(2), and the highest number is the current one. Old versions stay: a
/// writer that was asleep for any time must find the name it wants to create taken.
/// </summary>
public sealed class DirectoryObjectStore : IObjectStore
{
    private const string Temporary = ".tmp";
    private readonly string _root;

    private DirectoryObjectStore(string root) => (_root, Description) = (root, "dir:" + root);

    /// <inheritdoc />
    public string Description { get; }

    /// <summary>Opens the store in a directory, which need not exist yet: the first put of a repository makes it.</summary>
    public static DirectoryObjectStore Open(string path) => new(Path.GetFullPath(path));

    /// <inheritdoc />
    public Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
        => GuardAsync("write", name, async () =>
        {
            var versioned = VersionedFiles.Holds(name);
            if (condition.MatchVersion is not null && !versioned)
                throw new ObjectStoreException($"{Description}: a conditional change of '{name}' is not possible: only objects below {VersionedFiles.Prefix} have versions");
            var path = PathOf(name);
            var directory = Path.GetDirectoryName(path)!;
            MakeDirectory(Path.Combine(_root, Temporary));
            MakeDirectory(directory);
            var temporary = await WriteTemporaryAsync(content, cancellationToken).ConfigureAwait(false);
            try
            {
                if (versioned)
                    return VersionedFiles.Put(path, temporary, condition);
                var put = !condition.MustBeAbsent || Posix.TryLink(temporary, path);
                if (!condition.MustBeAbsent)
                    File.Move(temporary, path, overwrite: true);

                // Also where the name was taken: whoever took it may have died before this, and the answer says that the object stands.
                Posix.SyncDirectory(directory);
                return put ? "1" : null;
            }
            finally
            {
                File.Delete(temporary);
            }
        });

    /// <inheritdoc />
    public Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken)
        => GuardAsync("read", name, async () =>
        {
            if (Locate(name) is not { } place)
                return null;
            try
            {
                var content = await File.ReadAllBytesAsync(place.Path, cancellationToken).ConfigureAwait(false);
                return VersionedFiles.Holds(name) && content.Length == 0 ? null : new StoredObject(content, place.Version);
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
            {
                return null;
            }
        });

    /// <inheritdoc />
    public Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        => GuardAsync<object?>("read", name, () =>
        {
            using var file = OpenFile(name);
            for (var done = 0; done < destination.Length;)
            {
                // On the caller's thread: an asynchronous read of a file is this one on a thread of the pool, and waking that costs more than a block.
                cancellationToken.ThrowIfCancellationRequested();
                var read = RandomAccess.Read(file, destination.Span[done..], offset + done);
                if (read == 0)
                    throw new ObjectStoreException($"{Description}: '{name}' ends at {offset + done} bytes, before the range {offset}+{destination.Length}: it is truncated") { ObjectAtFault = true };
                done += read;
            }

            return Task.FromResult<object?>(null);
        });

    /// <inheritdoc />
    public Task<ObjectHead?> HeadAsync(string name, CancellationToken cancellationToken)
        => GuardAsync("look at", name, () =>
        {
            ObjectHead? head = null;
            if (Locate(name) is { } place && new FileInfo(place.Path) is { Exists: true } file && !(VersionedFiles.Holds(name) && file.Length == 0))
                head = new ObjectHead(file.Length, place.Version, file.LastWriteTimeUtc);
            return Task.FromResult(head);
        });

    /// <inheritdoc />
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var found = await GuardAsync("list", prefix, () => Task.FromResult(Find(prefix, cancellationToken))).ConfigureAwait(false);
        foreach (var file in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return file;
        }
    }

    /// <inheritdoc />
    public Task DeleteAsync(string name, CancellationToken cancellationToken) => DeleteManyAsync([name], cancellationToken);

    /// <inheritdoc />
    public async Task DeleteManyAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken)
    {
        var changed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await GuardAsync<object?>("delete", name, async () =>
            {
                var path = PathOf(name);
                if (VersionedFiles.Holds(name))
                {
                    // The mark of a deleted object is a newer, empty version: the old numbers stay taken.
                    if (await GetAsync(name, cancellationToken).ConfigureAwait(false) is not null)
                        await PutAsync(name, ReadOnlyMemory<byte>.Empty, PutCondition.Always, cancellationToken).ConfigureAwait(false);
                }
                else if (File.Exists(path))
                {
                    File.Delete(path);
                    changed.Add(Path.GetDirectoryName(path)!);
                }

                return null;
            }).ConfigureAwait(false);
        }

        foreach (var directory in changed)
        {
            await GuardAsync<object?>("delete from", Path.GetFileName(directory), () =>
            {
                Posix.SyncDirectory(directory);
                return Task.FromResult<object?>(null);
            }).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public Task<DateTimeOffset> ServerTimeAsync(CancellationToken cancellationToken)
        => GuardAsync("ask the time of", "", async () =>
        {
            // Whoever keeps the file system stamps a new file: on a shared disk that is not this machine.
            if (!Directory.Exists(_root))
                throw new DirectoryNotFoundException($"Could not find '{_root}'.");
            MakeDirectory(Path.Combine(_root, Temporary));
            var path = await WriteTemporaryAsync(ReadOnlyMemory<byte>.Empty, cancellationToken).ConfigureAwait(false);
            try
            {
                return new DateTimeOffset(File.GetLastWriteTimeUtc(path));
            }
            finally
            {
                File.Delete(path);
            }
        });

    private (string Path, string Version)? Locate(string name)
    {
        var path = PathOf(name);
        return VersionedFiles.Holds(name) ? VersionedFiles.Current(path) : (path, "1");
    }

    private Microsoft.Win32.SafeHandles.SafeFileHandle OpenFile(string name)
    {
        try
        {
            if (Locate(name) is { } place)
                return File.OpenHandle(place.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            // Told below.
        }

        if (!Directory.Exists(_root))
            throw new DirectoryNotFoundException($"Could not find '{_root}'.");
        throw new ObjectStoreException($"{Description}: '{name}' is not there") { ObjectAtFault = true };
    }

    private async Task<string> WriteTemporaryAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var path = Path.Combine(_root, Temporary, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12)));
        try
        {
            if (DirectFile.TryCreate(path, content.Span))
                return path;
            using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
            await RandomAccess.WriteAsync(file, content, 0, cancellationToken).ConfigureAwait(false);
            RandomAccess.FlushToDisk(file);
            return path;
        }
        catch
        {
            File.Delete(path);
            throw;
        }
    }

    private List<ObjectInfo> Find(string prefix, CancellationToken cancellationToken)
    {
        var slash = prefix.LastIndexOf('/');
        var start = slash < 0 ? _root : PathOf(prefix[..slash]);
        var found = new Dictionary<string, (ObjectInfo Info, long Version)>(StringComparer.Ordinal);
        if (!Directory.Exists(start))
            return [];
        foreach (var file in new DirectoryInfo(start).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var name = Path.GetRelativePath(_root, file.FullName);
            var version = 1L;
            if (VersionedFiles.Holds(name))
                (name, version) = VersionedFiles.Split(name);
            if (!name.StartsWith(prefix, StringComparison.Ordinal) || name.StartsWith(Temporary, StringComparison.Ordinal))
                continue;
            // One that was deleted since the directory was read is no object any more.
            if (file.Exists && !(found.TryGetValue(name, out var known) && known.Version > version))
                found[name] = (new ObjectInfo(name, file.Length, file.LastWriteTimeUtc), version);
        }

        var objects = found.Values.Select(entry => entry.Info).Where(info => info.Size > 0 || !VersionedFiles.Holds(info.Name)).ToList();
        objects.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return objects;
    }

    private void MakeDirectory(string path)
    {
        if (Directory.Exists(path))
            return;
        Directory.CreateDirectory(path);
        for (var made = path; made.Length >= _root.Length; made = Path.GetDirectoryName(made)!)
            Posix.SyncDirectory(Path.GetDirectoryName(made)!);
    }

    private string PathOf(string name)
    {
        ObjectNames.Check(name, Description);
        return Path.Combine(_root, name);
    }

    private async Task<T> GuardAsync<T>(string action, string name, Func<Task<T>> act)
    {
        try
        {
            return await act().ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            var missing = Directory.Exists(_root) ? "" : " (the directory is missing; is it mounted?)";
            throw new ObjectStoreException($"{Description}: cannot {action} '{name}': {error.Message}{missing}", error);
        }
    }
}
