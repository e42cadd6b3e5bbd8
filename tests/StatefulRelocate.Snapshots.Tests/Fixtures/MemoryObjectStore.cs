using System.Globalization;
using System.Runtime.CompilerServices;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Tests.Fixtures;

/// <summary>A store in memory, with a clock of its own that only a test moves; each call is one instant.</summary>
internal sealed class MemoryObjectStore : IObjectStore
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, (byte[] Content, long Version, DateTimeOffset At)> _objects = new(StringComparer.Ordinal);
    private long _version;
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public string Description => "memory";

    public void Advance(TimeSpan time)
    {
        lock (_lock)
            _now += time;
    }

    public Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var exists = _objects.TryGetValue(name, out var there);
            if ((condition.MustBeAbsent && exists) || (condition.MatchVersion is { } version && (!exists || Text(there.Version) != version)))
                return Task.FromResult<string?>(null);
            _objects[name] = (content.ToArray(), ++_version, _now);
            return Task.FromResult<string?>(Text(_version));
        }
    }

    public Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken)
    {
        lock (_lock)
            return Task.FromResult(_objects.TryGetValue(name, out var found) ? new StoredObject([.. found.Content], Text(found.Version)) : null);
    }

    public Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!_objects.TryGetValue(name, out var found) || offset + destination.Length > found.Content.Length)
                throw new ObjectStoreException($"memory: '{name}' is not there or too short") { ObjectAtFault = true };
            found.Content.AsMemory((int)offset, destination.Length).CopyTo(destination);
            return Task.CompletedTask;
        }
    }

    public Task<ObjectHead?> HeadAsync(string name, CancellationToken cancellationToken)
    {
        lock (_lock)
            return Task.FromResult(_objects.TryGetValue(name, out var found) ? new ObjectHead(found.Content.Length, Text(found.Version), found.At) : null);
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<ObjectInfo> found;
        lock (_lock)
            found = [.. _objects.Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(o => new ObjectInfo(o.Key, o.Value.Content.Length, o.Value.At))];
        await Task.CompletedTask;
        foreach (var one in found)
            yield return one;
    }

    public Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        lock (_lock)
            _objects.Remove(name);
        return Task.CompletedTask;
    }

    public Task DeleteManyAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            foreach (var name in names)
                _objects.Remove(name);
        }

        return Task.CompletedTask;
    }

    public Task<DateTimeOffset> ServerTimeAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
            return Task.FromResult(_now);
    }

    private static string Text(long version) => version.ToString(CultureInfo.InvariantCulture);
}
