using System.Runtime.CompilerServices;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Tests.Fixtures;

/// <summary>
/// One participant's view of a store: every call waits a random while before and after it takes effect, and from a chosen call on the
/// participant is dead: that call takes effect or not, and no later one does.
/// </summary>
internal sealed class KillableStore(IObjectStore store, Random random, int callsToLive) : IObjectStore
{
    private readonly Lock _lock = new();
    private int _left = callsToLive;

    public string Description => store.Description;

    public Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
        => RunAsync(() => store.PutAsync(name, content, condition, cancellationToken));

    public Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken) => RunAsync(() => store.GetAsync(name, cancellationToken));

    public Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) => RunAsync(async () =>
    {
        await store.GetRangeAsync(name, offset, destination, cancellationToken);
        return 0;
    });

    public Task<ObjectHead?> HeadAsync(string name, CancellationToken cancellationToken) => RunAsync(() => store.HeadAsync(name, cancellationToken));

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var found = await RunAsync(async () =>
        {
            var all = new List<ObjectInfo>();
            await foreach (var one in store.ListAsync(prefix, cancellationToken))
                all.Add(one);
            return all;
        });
        foreach (var one in found)
            yield return one;
    }

    public Task DeleteAsync(string name, CancellationToken cancellationToken) => RunAsync(async () =>
    {
        await store.DeleteAsync(name, cancellationToken);
        return 0;
    });

    /// <summary>One after another, as a dying process does it.</summary>
    public async Task DeleteManyAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken)
    {
        foreach (var name in names)
            await DeleteAsync(name, cancellationToken);
    }

    public Task<DateTimeOffset> ServerTimeAsync(CancellationToken cancellationToken) => RunAsync(() => store.ServerTimeAsync(cancellationToken));

    private async Task<T> RunAsync<T>(Func<Task<T>> act)
    {
        int before, after, left;
        lock (_lock)
            (before, after, left) = (random.Next(8), random.Next(8), _left--);
        await PauseAsync(before);
        if (left < 0 || (left == 0 && before % 2 == 0))
            throw new KilledException();
        var result = await act();
        await PauseAsync(after);
        return left == 0 ? throw new KilledException() : result;
    }

    private static async Task PauseAsync(int how)
    {
        if (how < 3)
            await Task.Yield();
        else if (how < 5)
            await Task.Delay(1);
        else if (how == 5)
            await Task.Delay(4);
    }
}

/// <summary>The participant is dead.</summary>
internal sealed class KilledException : Exception;
