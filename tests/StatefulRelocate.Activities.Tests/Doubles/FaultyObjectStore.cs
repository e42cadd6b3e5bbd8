using System.Runtime.CompilerServices;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Activities.Tests.Doubles;

/// <summary>A real store behind a line that can be cut before a request or before its answer.</summary>
internal sealed class FaultyObjectStore(IObjectStore inner, CrashPoints crashes, ConditionKeeping conditions) : IObjectStore, IConditionProbe
{
    /// <summary>Nothing gets through.</summary>
    public bool Unreachable { get; set; }

    /// <summary>How many puts of a name that starts with <c>leases/</c> take effect without an answer from now on.</summary>
    public int LostLeaseAnswers { get; set; }

    public string Description => inner.Description;

    public async Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
    {
        Enter("put " + name);
        var version = await inner.PutAsync(name, content, condition, cancellationToken);
        crashes.Reach("after put " + name);
        if (LostLeaseAnswers > 0 && name.StartsWith("leases/", StringComparison.Ordinal))
        {
            LostLeaseAnswers--;
            throw new ObjectStoreException("the answer was lost");
        }

        return version;
    }

    public Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken)
    {
        Enter("get " + name);
        return inner.GetAsync(name, cancellationToken);
    }

    public Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        Enter("get range " + name);
        return inner.GetRangeAsync(name, offset, destination, cancellationToken);
    }

    public Task<ObjectHead?> HeadAsync(string name, CancellationToken cancellationToken)
    {
        Enter("head " + name);
        return inner.HeadAsync(name, cancellationToken);
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Enter("list " + prefix);
        await foreach (var found in inner.ListAsync(prefix, cancellationToken))
            yield return found;
    }

    public async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        Enter("delete " + name);
        await inner.DeleteAsync(name, cancellationToken);
        crashes.Reach("after delete " + name);
    }

    public async Task DeleteManyAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken)
    {
        foreach (var name in names)
            await DeleteAsync(name, cancellationToken);
    }

    public Task<DateTimeOffset> ServerTimeAsync(CancellationToken cancellationToken)
    {
        Enter("ask the time");
        return inner.ServerTimeAsync(cancellationToken);
    }

    public Task<ConditionKeeping> ProbeAsync(CancellationToken cancellationToken) => Task.FromResult(conditions);

    public void Remember(ConditionKeeping keeping) => Assert.Equal(conditions, keeping);

    private void Enter(string what)
    {
        if (Unreachable)
            throw new ObjectStoreException("the store cannot be reached");
        crashes.Reach("before " + what);
    }
}
