using System.Globalization;
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
    private const string Versioned = "leases/", Temporary = ".tmp";
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
            var versioned = name.StartsWith(Versioned, StringComparison.Ordinal);
            if (condition.MatchVersion is not null && !versioned)
                throw new ObjectStoreException($"{Description}: a conditional change of '{name}' is not possible: only objects below {Versioned} have versions");
            var path = PathOf(name);
            var directory = Path.GetDirectoryName(path)!;
            MakeDirectory(Path.Combine(_root, Temporary));
            MakeDirectory(directory);
            var temporary = await WriteTemporaryAsync(content, cancellationToken).ConfigureAwait(false);
            try
            {
                if (versioned)
                    return PutVersion(path, temporary, condition);
                if (condition.MustBeAbsent && !Posix.TryLink(temporary, path))
                    return null;
                if (!condition.MustBeAbsent)
                    File.Move(temporary, path, overwrite: true);
                Posix.SyncDirectory(directory);
                return "1";
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
            var path = PathOf(name);
            var version = 1L;
            if (name.StartsWith(Versioned, StringComparison.Ordinal))
            {
                version = Highest(path);
                path = VersionPath(path, version);
            }

            try
            {
                var content = await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false);

                // An empty version is the mark of a deleted object.
                return content.Length == 0 && name.StartsWith(Versioned, StringComparison.Ordinal) ? null
                    : new StoredObject(content, version.ToString(CultureInfo.InvariantCulture));
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
            {
                return null;
            }
        });

    /// <inheritdoc />
    public Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        => GuardAsync<object?>("read", name, async () =>
        {
            using var file = File.OpenHandle(PathOf(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            for (var done = 0; done < destination.Length;)
            {
                var read = await RandomAccess.ReadAsync(file, destination[done..], offset + done, cancellationToken).ConfigureAwait(false);
                if (read == 0)
                    throw new ObjectStoreException($"{Description}: '{name}' ends at {offset + done} bytes, before the range {offset}+{destination.Length}: it is truncated");
                done += read;
            }

            return null;
        });

    /// <inheritdoc />
    public Task<long?> SizeAsync(string name, CancellationToken cancellationToken)
        => GuardAsync<long?>("look at", name, async () =>
        {
            if (name.StartsWith(Versioned, StringComparison.Ordinal))
                return (await GetAsync(name, cancellationToken).ConfigureAwait(false))?.Content.Length;
            var file = new FileInfo(PathOf(name));
            return file.Exists ? file.Length : null;
        });

    /// <inheritdoc />
    public async IAsyncEnumerable<string> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var names = await GuardAsync("list", prefix, () => Task.FromResult(Names(prefix))).ConfigureAwait(false);
        foreach (var name in names)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return name;
        }
    }

    /// <inheritdoc />
    public Task DeleteAsync(string name, CancellationToken cancellationToken)
        => GuardAsync<object?>("delete", name, async () =>
        {
            var path = PathOf(name);
            if (name.StartsWith(Versioned, StringComparison.Ordinal))
            {
                if (await GetAsync(name, cancellationToken).ConfigureAwait(false) is not null)
                    await PutAsync(name, ReadOnlyMemory<byte>.Empty, PutCondition.Always, cancellationToken).ConfigureAwait(false);
                return null;
            }

            if (!File.Exists(path))
                return null;
            File.Delete(path);
            Posix.SyncDirectory(Path.GetDirectoryName(path)!);
            return null;
        });

    private static string? PutVersion(string path, string temporary, PutCondition condition)
    {
        while (true)
        {
            var highest = Highest(path);
            var exists = highest > 0 && new FileInfo(VersionPath(path, highest)).Length > 0;
            if (condition.MustBeAbsent && exists)
                return null;
            if (condition.MatchVersion is { } expected && (!exists || expected != highest.ToString(CultureInfo.InvariantCulture)))
                return null;
            if (Posix.TryLink(temporary, VersionPath(path, highest + 1)))
            {
                Posix.SyncDirectory(Path.GetDirectoryName(path)!);
                return (highest + 1).ToString(CultureInfo.InvariantCulture);
            }

            if (condition.MatchVersion is not null)
                return null;
        }
    }

    private static long Highest(string path)
    {
        var highest = 0L;
        var directory = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(directory))
            return 0;
        foreach (var file in Directory.EnumerateFiles(directory, Path.GetFileName(path) + "@*"))
        {
            if (long.TryParse(file.AsSpan(file.LastIndexOf('@') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                highest = Math.Max(highest, number);
        }

        return highest;
    }

    private static string VersionPath(string path, long version) => string.Create(CultureInfo.InvariantCulture, $"{path}@{version:d12}");

    private async Task<string> WriteTemporaryAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var path = Path.Combine(_root, Temporary, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12)));
        try
        {
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

    private List<string> Names(string prefix)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        var slash = prefix.LastIndexOf('/');
        var start = slash < 0 ? _root : PathOf(prefix[..slash]);
        if (!Directory.Exists(start))
            return [];
        foreach (var file in Directory.EnumerateFiles(start, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(_root, file);
            if (name.StartsWith(Versioned, StringComparison.Ordinal) && name.LastIndexOf('@') is var at and > 0)
                name = new FileInfo(VersionPath(Path.Combine(_root, name[..at]), Highest(Path.Combine(_root, name[..at])))).Length > 0 ? name[..at] : "";
            if (name.Length > 0 && name.StartsWith(prefix, StringComparison.Ordinal) && !name.StartsWith(Temporary, StringComparison.Ordinal))
                names.Add(name);
        }

        return [.. names];
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
        foreach (var part in name.Split('/'))
        {
            if (part.Length == 0 || part[0] == '.' || !part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-'))
                throw new ObjectStoreException($"{Description}: '{name}' is no object name");
        }

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
