using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>What the file system said of a name.</summary>
/// <param name="Facts">Null when it is gone.</param>
/// <param name="Error">Why it could not be looked at; else null.</param>
/// <param name="SeenAt">No later than when it was looked at: what is written in the same tick, however long the reading takes, is read again in the next round.</param>
internal readonly record struct SeenName(FileFacts? Facts, SystemCallException? Error, long SeenAt);

/// <summary>A directory of a volume with its names, of which it looks at some hundred at a time, and meanwhile at the next ones beside whoever walks it.</summary>
internal sealed class DirectoryListing : IAsyncDisposable
{
    private const int PageLength = 256;
    private readonly Func<long> _now;
    private readonly bool _owns;
    private List<string>? _names;
    private SeenName[] _page = [];
    private int _pageStart;
    private Task<SeenName[]>? _next;

    private DirectoryListing(OpenDirectory directory, Func<long> now, bool owns) => (Directory, Self, _now, _owns) = (directory, directory.Handle.Facts(), now, owns);

    public OpenDirectory Directory { get; }

    /// <summary>What it was itself, before its names were read.</summary>
    public FileFacts Self { get; }

    public IReadOnlyList<string> Names => _names ?? throw new InvalidOperationException("it is not read yet");

    /// <summary>The end of those names that are looked at already.</summary>
    public int SeenEnd => _pageStart + _page.Length;

    /// <summary>A directory that somebody else keeps open.</summary>
    public static DirectoryListing Of(OpenDirectory directory, Func<long> now) => new(directory, now, owns: false);

    /// <exception cref="SystemCallException">It cannot be opened.</exception>
    public static DirectoryListing Open(OpenDirectory parent, string name, Func<long> now)
    {
        var directory = parent.OpenDirectoryAt(name);
        try
        {
            return new DirectoryListing(directory, now, owns: true);
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Reads the names, and looks at the first of them, if that was not done yet.</summary>
    /// <param name="most">How many there may be.</param>
    /// <returns>Whether there are no more of them than that.</returns>
    /// <exception cref="SystemCallException">They cannot be read.</exception>
    public bool Read(int most = int.MaxValue)
    {
        if (_names is null && (_names = Directory.Names(most)) is not null)
            _page = Look(0);
        return _names is not null;
    }

    /// <summary>A name that was looked at already.</summary>
    public SeenName Seen(int index) => _page[index - _pageStart];

    /// <summary>A name, as it was not long ago. To be asked for one after the other.</summary>
    public async ValueTask<SeenName> AtAsync(int index)
    {
        if (index == SeenEnd)
        {
            var page = await _next!.ConfigureAwait(false);
            (_pageStart, _page, _next) = (SeenEnd, page, null);
        }

        if (_next is null && SeenEnd < Names.Count)
        {
            var start = SeenEnd;
            _next = Task.Run(() => Look(start));
        }

        // While large files before it were read, it may have changed: then the next round, perhaps the final one, would have to carry that.
        var seen = Seen(index);
        return _now() - seen.SeenAt > KernelClock.RacyWindow ? Look(Names[index]) : seen;
    }

    public async ValueTask DisposeAsync()
    {
        if (_next is not null)
            await ((Task)_next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_owns)
            Directory.Dispose();
    }

    private SeenName[] Look(int start)
    {
        var page = new SeenName[Math.Min(PageLength, Names.Count - start)];
        for (var i = 0; i < page.Length; i++)
            page[i] = Look(Names[start + i]);
        return page;
    }

    private SeenName Look(string name)
    {
        var seenAt = _now();
        try
        {
            return new SeenName(Directory.FactsAt(name), null, seenAt);
        }
        catch (SystemCallException error)
        {
            return new SeenName(null, error, seenAt);
        }
    }
}
