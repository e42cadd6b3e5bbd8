using System.Collections.Immutable;
using StatefulRelocate.Core.Dns;

namespace StatefulRelocate.Dns.Zones;

/// <summary>The zones of one server. Reading never waits; changes go one at a time, to disk first, and only then into the answers.</summary>
internal sealed class ZoneStore
{
    private readonly Lock changes = new();
    private readonly ZoneFile file;
    private volatile ZonesNow current;

    /// <summary>Loads the file, and adds the zones that are declared but not there yet. A zone no longer declared is kept, but not served.</summary>
    public ZoneStore(ZoneFile file, IEnumerable<string> declared)
    {
        this.file = file;
        Declared = [.. declared.Select(RecordData.CanonicalName).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var zones = file.Load().ToImmutableSortedDictionary(zone => zone.Name, zone => zone, StringComparer.Ordinal);
        var missing = Declared.Where(name => !zones.ContainsKey(name)).Select(name => KeyValuePair.Create(name, new Zone { Name = name })).ToArray();
        current = new(zones.AddRange(missing));
        if (missing.Length > 0)
            file.Save(current.Zones.Values);
    }

    /// <summary>The zones served, canonical names.</summary>
    public ImmutableArray<string> Declared { get; }

    /// <summary>The zone itself, or null when it is not served here.</summary>
    public Zone? Get(string zone) => Declared.Contains(zone, StringComparer.Ordinal) ? current.Zones[zone] : null;

    /// <summary>The zone that answers for a canonical name: the closest one above it.</summary>
    public Zone? Enclosing(string name)
    {
        Zone? best = null;
        foreach (var candidate in Declared)
        {
            var zone = current.Zones[candidate];
            if (zone.Holds(name) && zone.Name.Length > (best?.Name.Length ?? -1))
                best = zone;
        }

        return best;
    }

    /// <summary>Puts <paramref name="next"/> in place if <paramref name="expected"/> (null: whatever it is) is what stands there.</summary>
    /// <returns>Whether the set is now <paramref name="next"/>, and what it is. All in canonical form.</returns>
    public (bool Replaced, DnsRecordSet Current) Swap(string zoneName, DnsRecordSet? expected, DnsRecordSet next)
    {
        lock (changes)
        {
            var zone = current.Zones[zoneName];
            var before = zone.Find(next.Name, next.Type);
            if (before == next)
                return (true, before);
            if (expected is not null && before != expected)
                return (false, before);
            var zones = current.Zones.SetItem(zoneName, zone.With(next));
            file.Save(zones.Values);
            current = new(zones);
            return (true, next);
        }
    }

    private sealed record ZonesNow(ImmutableSortedDictionary<string, Zone> Zones);
}
