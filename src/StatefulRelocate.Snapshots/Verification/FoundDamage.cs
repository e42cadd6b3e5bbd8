using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>Collects what a check finds; used by several tasks at once.</summary>
internal sealed class FoundDamage
{
    private readonly Lock _lock = new();
    private readonly List<(string Object, string Line)> _found = [];
    private readonly Dictionary<UInt128, int> _badCopies = [];

    /// <summary>What was found, an object's first line each.</summary>
    public IReadOnlyList<(string Object, string Line)> All()
    {
        lock (_lock)
            return [.. _found.DistinctBy(f => f.Line, StringComparer.Ordinal)];
    }

    /// <summary>Copies of a block that are in a damaged place.</summary>
    public int BadCopies(UInt128 id)
    {
        lock (_lock)
            return _badCopies.GetValueOrDefault(id);
    }

    public void Add(string name, string line)
    {
        lock (_lock)
            _found.Add((name, line));
    }

    /// <summary>A copy of each of these blocks cannot be read.</summary>
    public void AddBlocks(IEnumerable<UInt128> ids)
    {
        lock (_lock)
        {
            foreach (var id in ids)
                _badCopies[id] = _badCopies.GetValueOrDefault(id) + 1;
        }
    }

    /// <summary>Forgets what was found of objects that are gone by now, rightly.</summary>
    public void Forget(Predicate<string> name)
    {
        lock (_lock)
            _found.RemoveAll(f => name(f.Object));
    }

    /// <summary>Checks something; its damage is written down under the object's name. False when it is damaged.</summary>
    /// <exception cref="ObjectStoreException">The store could not be reached.</exception>
    public async Task<bool> TryAsync(string name, Func<Task> check)
    {
        try
        {
            await check().ConfigureAwait(false);
            return true;
        }
        catch (RelocateException damage)
        {
            Add(name, damage.Message);
        }
        catch (ObjectStoreException unreadable) when (unreadable.ObjectAtFault)
        {
            // The store answers, but an object is shorter than its table says, or gone.
            Add(name, unreadable.Message);
        }

        return false;
    }
}
