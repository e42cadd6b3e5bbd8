using System.Text;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Filters;

/// <summary>
/// Leaves out what patterns name (as in a <c>.gitignore</c> in each volume's root: the last pattern that matches decides, and what lies
/// in a directory that is left out cannot be taken back), what lies in cache directories, and large files. For one snapshot.
/// </summary>
public sealed class ExcludeFilter : IEntryFilter
{
    // https://bford.info/cachedir/
    private const string CacheTag = "CACHEDIR.TAG";
    private static readonly byte[] CacheSignature = "Signature: 8a477f597d28d172789f06886806bc55"u8.ToArray();
    private readonly List<PathPattern> _patterns = [];
    private readonly Dictionary<(string Volume, string Directory), bool> _caches = [];
    private readonly bool _excludeCaches;
    private readonly long? _largerThan;

    /// <summary>Makes one.</summary>
    /// <param name="patterns">Lines of gitignore syntax, in order.</param>
    /// <param name="files">Files of such lines; they come before the lines of <paramref name="patterns"/>.</param>
    /// <param name="excludeCaches">Whether to leave out what lies in a directory with a valid <c>CACHEDIR.TAG</c>; the tag itself is kept.</param>
    /// <param name="largerThan">Leaves out files of more bytes than that; null: none.</param>
    /// <exception cref="RelocateException">A file cannot be read, or a pattern matches nothing.</exception>
    public ExcludeFilter(IEnumerable<string> patterns, IEnumerable<string> files, bool excludeCaches, long? largerThan)
    {
        (_excludeCaches, _largerThan) = (excludeCaches, largerThan);
        foreach (var file in files)
            AddLines(ReadLines(file), number => $"{file}:{number}");
        AddLines(patterns, _ => "--exclude");
    }

    /// <summary>Whether it leaves out anything at all.</summary>
    public bool IsEmpty => _patterns.Count == 0 && !_excludeCaches && _largerThan is null;

    /// <inheritdoc />
    public bool Excludes(in FilteredEntry entry)
    {
        if (_largerThan is { } limit && !entry.IsDirectory && entry.Size > limit)
            return true;
        if (_excludeCaches && IsInCache(entry))
            return true;
        var parts = entry.Path.Split('/');
        for (var i = _patterns.Count - 1; i >= 0; i--)
        {
            if (_patterns[i].Matches(parts, entry.IsDirectory))
                return !_patterns[i].Negated;
        }

        return false;
    }

    private bool IsInCache(in FilteredEntry entry)
    {
        var slash = entry.Path.LastIndexOf('/');
        var directory = (entry.Volume, slash < 0 ? "" : entry.Path[..slash]);
        if (!_caches.TryGetValue(directory, out var isCache))
        {
            isCache = HasTag(Path.GetDirectoryName(entry.AbsolutePath)!);
            _caches[directory] = isCache;
        }

        return isCache && entry.Path[(slash + 1)..] != CacheTag;
    }

    private static bool HasTag(string directory)
    {
        try
        {
            var tag = new FileInfo(Path.Combine(directory, CacheTag));
            if (!tag.Exists || tag.LinkTarget is not null)
                return false;
            using var file = tag.OpenRead();
            var start = new byte[CacheSignature.Length];
            return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.AsSpan().SequenceEqual(CacheSignature);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What cannot be read is no tag; the snapshot itself says that it cannot be read.
            return false;
        }
    }

    private void AddLines(IEnumerable<string> lines, Func<int, string> where)
    {
        var number = 0;
        foreach (var line in lines)
        {
            if (PathPattern.Parse(line, where(++number)) is { } pattern)
                _patterns.Add(pattern);
        }
    }

    private static string[] ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(path, Encoding.UTF8);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"{path}: cannot read the patterns: {error.Message}", inner: error);
        }
    }
}
