using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>
/// Lists the next directories below one while those before them are still walked: on a cold disk a walk waits for one directory after the other, and where nothing is
/// changed it is all that a round does. What cannot be listed, whoever walks finds out himself.
/// </summary>
/// <param name="parent">The directory in which they lie.</param>
/// <param name="limit">What the walk may begin ahead altogether.</param>
/// <param name="enters">Whether the walk will enter a directory of that name at all.</param>
/// <param name="now">By what looks are stamped.</param>
internal sealed class SubdirectoriesAhead(DirectoryListing parent, SubdirectoriesAhead.Limit limit, Func<string, FileFacts, bool> enters, Func<long> now) : IAsyncDisposable
{
    /// <summary>In one directory, and in all that the walk is in.</summary>
    private const int MostAtOnce = 4, MostTogether = 16;

    /// <summary>One that holds more is listed when it is its turn, so that what is held stays small.</summary>
    private const int MostNames = 4096;

    /// <summary>Threads that this keeps busy: one more looks at the next names of the directory being walked.</summary>
    public const int Threads = MostTogether + 1;
    private readonly Queue<(int Index, Task<DirectoryListing?> Listing)> _begun = [];
    private int _looked;

    /// <summary>Whoever walks has come to the name of that index: what was begun before it is not asked for any more, and the next ones are begun.</summary>
    public async ValueTask ReachAsync(int index)
    {
        while (_begun.TryPeek(out var first) && first.Index < index)
            await DropAsync().ConfigureAwait(false);
        for (_looked = Math.Max(_looked, index + 1); _looked < parent.SeenEnd && _begun.Count < MostAtOnce && !limit.IsReached; _looked++)
        {
            var name = parent.Names[_looked];
            if (parent.Seen(_looked).Facts is not { Type: EntryType.Directory } facts || !enters(name, facts))
                continue;
            limit.Begin();
            _begun.Enqueue((_looked, Task.Run(() => ListAsync(name))));
        }
    }

    /// <summary>The directory that was reached; the caller's.</summary>
    /// <exception cref="SystemCallException">It cannot be opened.</exception>
    public async ValueTask<DirectoryListing> OpenAsync(int index)
        => (_begun.TryPeek(out var first) && first.Index == index ? await Next().ConfigureAwait(false) : null) ?? DirectoryListing.Open(parent.Directory, parent.Names[index], now);

    public async ValueTask DisposeAsync()
    {
        while (_begun.Count > 0)
            await DropAsync().ConfigureAwait(false);
    }

    private async ValueTask DropAsync()
    {
        if (await Next().ConfigureAwait(false) is { } listing)
            await listing.DisposeAsync().ConfigureAwait(false);
    }

    private Task<DirectoryListing?> Next()
    {
        limit.End();
        return _begun.Dequeue().Listing;
    }

    private async Task<DirectoryListing?> ListAsync(string name)
    {
        DirectoryListing? listing = null;
        try
        {
            listing = DirectoryListing.Open(parent.Directory, name, now);
            if (listing.Read(MostNames))
                return listing;
        }
        catch (Exception)
        {
            // Whoever walks meets it too, where it is told.
        }

        if (listing is not null)
            await listing.DisposeAsync().ConfigureAwait(false);
        return null;
    }

    /// <summary>How many are listed ahead in all the directories that a walk is in. Used by that walk only.</summary>
    internal sealed class Limit
    {
        private int _begun;

        public bool IsReached => _begun >= MostTogether;

        public void Begin() => _begun++;

        public void End() => _begun--;
    }
}
