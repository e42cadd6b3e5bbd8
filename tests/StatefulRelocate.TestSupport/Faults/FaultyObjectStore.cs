using System.Runtime.CompilerServices;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.TestSupport.Faults;

/// <summary>
/// Any store, behind a line that fails as its plan says: what the caller sees of a fault is an <see cref="ObjectStoreException"/>, a short
/// object or an old list, since drivers have given up or were told so.
/// </summary>
public sealed class FaultyObjectStore(IObjectStore inner, FaultPlan plan) : IObjectStore, IConditionProbe
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<ObjectInfo>> _lists = new(StringComparer.Ordinal);

    /// <inheritdoc />
    public string Description => inner.Description;

    /// <inheritdoc />
    public Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
        => MeetAsync("put " + name, () => inner.PutAsync(name, content, condition, cancellationToken), null, cancellationToken);

    /// <inheritdoc />
    public Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken)
        => MeetAsync("get " + name, () => inner.GetAsync(name, cancellationToken), stored => stored is null ? null : stored with { Content = stored.Content[..plan.Number(stored.Content.Length + 1)] }, cancellationToken);

    /// <inheritdoc />
    public Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        => MeetAsync<object?>("get a range of " + name, async () =>
        {
            await inner.GetRangeAsync(name, offset, destination, cancellationToken);
            return null;
        }, _ => throw new ObjectStoreException($"the answer to a range of {name} ended early"), cancellationToken);

    /// <inheritdoc />
    public Task<ObjectHead?> HeadAsync(string name, CancellationToken cancellationToken)
        => MeetAsync("head of " + name, () => inner.HeadAsync(name, cancellationToken), null, cancellationToken);

    /// <inheritdoc />
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var fault = plan.Next();
        var old = Recall(prefix);
        if (fault == Fault.StaleList && old is not null)
        {
            foreach (var found in old)
                yield return found;
            yield break;
        }

        if (fault is not (Fault.None or Fault.Delay or Fault.StaleList or Fault.Truncate))
            throw Failed("list " + prefix, fault);
        var fresh = new List<ObjectInfo>();
        await foreach (var found in inner.ListAsync(prefix, cancellationToken))
        {
            fresh.Add(found);
            if (fault == Fault.Truncate && plan.Number(3) == 0)
                throw Failed("list " + prefix, fault);
            yield return found;
        }

        lock (_lock)
            _lists[prefix] = fresh;
    }

    /// <inheritdoc />
    public Task DeleteAsync(string name, CancellationToken cancellationToken)
        => MeetAsync<object?>("delete " + name, async () =>
        {
            await inner.DeleteAsync(name, cancellationToken);
            return null;
        }, null, cancellationToken);

    /// <inheritdoc />
    public Task DeleteManyAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken)
        => MeetAsync<object?>("delete many", async () =>
        {
            await inner.DeleteManyAsync(names, cancellationToken);
            return null;
        }, null, cancellationToken);

    /// <inheritdoc />
    public Task<DateTimeOffset> ServerTimeAsync(CancellationToken cancellationToken)
        => MeetAsync("ask the time", () => inner.ServerTimeAsync(cancellationToken), null, cancellationToken);

    /// <inheritdoc />
    public Task<ConditionKeeping> ProbeAsync(CancellationToken cancellationToken)
        => inner is IConditionProbe probe ? probe.ProbeAsync(cancellationToken) : Task.FromResult(ConditionKeeping.Store);

    /// <inheritdoc />
    public void Remember(ConditionKeeping keeping) => (inner as IConditionProbe)?.Remember(keeping);

    private async Task<T> MeetAsync<T>(string what, Func<Task<T>> act, Func<T, T>? truncate, CancellationToken cancellationToken)
    {
        var fault = plan.Next();
        switch (fault)
        {
            case Fault.None or Fault.StaleList:
                return await act();
            case Fault.Delay:
                await Task.Delay(plan.Number(20), cancellationToken);
                return await act();
            case Fault.Truncate when truncate is not null:
                return truncate(await act());
            case Fault.LostAnswer:
                await act();
                throw Failed(what, fault);
            default:
                throw Failed(what, fault);
        }
    }

    private List<ObjectInfo>? Recall(string prefix)
    {
        lock (_lock)
            return _lists.GetValueOrDefault(prefix);
    }

    private static ObjectStoreException Failed(string what, Fault fault) => new($"{what}: {fault}, as the test wants it");
}
