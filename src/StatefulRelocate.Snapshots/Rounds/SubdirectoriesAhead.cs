using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>
/// Lists the next directories below one while those before them are still walked: on a cold disk a walk waits for one directory after the other, and where nothing is
/// changed it is all that a round does. What cannot be listed, whoever walks finds out himself.
/// </summary>
internal sealed class SubdirectoriesAhead(DirectoryListing parent, SubdirectoriesAhead.Limit limit, Func<long> now) : IAsyncDisposable
{
    /// <summary>In one directory.</summary>
    private const int MostAtOnce = 4;

    /// <summary>A directory file of more bytes (some thousand names) is listed when it is its turn, so that what is held stays small.</summary>
    private const long LargestDirectory = 256 << 10;
    private readonly Queue<(int Index, Task<DirectoryListing?> Listing)> _begun = [];
    private int _looked;

    /// <summary>The directory in which they lie.</summary>
    public DirectoryListing Parent => parent;

    /// <summary>Whoever walks has come to the name of that index: what was begun before it is not asked for any more, and the next ones are begun.</summary>
    public async ValueTask ReachAsync(int index)
    {
        while (_begun.TryPeek(out var first) && first.Index < index)
            await DropAsync().ConfigureAwait(false);
        for (_looked = Math.Max(_looked, index + 1); _looked < parent.SeenEnd && _begun.Count < MostAtOnce && !limit.IsReached; _looked++)
        {
            if (parent.Seen(_looked).Facts is not { Type: EntryType.Directory, Size: <= LargestDirectory })
                continue;
            var name = parent.Names[_looked];
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
            listing.Read();
            return listing;
        }
        catch (SystemCallException)
        {
            if (listing is not null)
                await listing.DisposeAsync().ConfigureAwait(false);
            return null;
        }
    }

    /// <summary>How many are listed ahead in all the directories that a walk is in. Used by one thread.</summary>
    internal sealed class Limit
    {
        private const int Most = 16;
        private int _begun;

        public bool IsReached => _begun >= Most;

        public void Begin() => _begun++;

        public void End() => _begun--;
    }
}
