using System.Collections.Immutable;
using StatefulRelocate.Core.Dns;

namespace StatefulRelocate.Dns.Zones;

/// <summary>One zone at one instant; immutable, so that an answer never sees half a change.</summary>
internal sealed record Zone
{
    /// <summary>The apex, canonical.</summary>
    public required string Name { get; init; }

    /// <summary>The SOA serial; it grows with every change (RFC 1982).</summary>
    public uint Serial { get; init; } = 1;

    /// <summary>All sets by name and type.</summary>
    public ImmutableSortedDictionary<RecordKey, DnsRecordSet> Sets { get; init; } = ImmutableSortedDictionary<RecordKey, DnsRecordSet>.Empty;

    /// <summary>The set; empty when there is none.</summary>
    public DnsRecordSet Find(string name, string type)
        => Sets.GetValueOrDefault(new RecordKey(name, type)) ?? new DnsRecordSet { Name = name, Type = type };

    /// <summary>Whether a canonical name lies in this zone.</summary>
    public bool Holds(string name)
        => name == Name || (name.Length > Name.Length && name.EndsWith(Name, StringComparison.Ordinal) && name[^(Name.Length + 1)] == '.');

    /// <summary>Whether the name has a set, or a name below it has (an empty non-terminal exists: RFC 8020 §3.1).</summary>
    public bool Exists(string name)
        => name == Name || Sets.Keys.Any(key => key.Name == name || (key.Name.Length > name.Length && key.Name.EndsWith('.' + name, StringComparison.Ordinal)));

    /// <summary>With the set in place of what was there; an empty set deletes. The serial moves on when anything changed.</summary>
    public Zone With(DnsRecordSet set)
    {
        var key = new RecordKey(set.Name, set.Type);
        var sets = set.Records.IsEmpty ? Sets.Remove(key) : Sets.SetItem(key, set);
        // Zero is skipped: some secondaries take it for "no serial".
        return ReferenceEquals(sets, Sets) || Find(set.Name, set.Type) == set ? this : this with { Sets = sets, Serial = Serial == uint.MaxValue ? 1 : Serial + 1 };
    }
}

/// <summary>Where a set is found. Ordered ordinally.</summary>
internal readonly record struct RecordKey(string Name, string Type) : IComparable<RecordKey>
{
    public int CompareTo(RecordKey other)
    {
        var names = string.CompareOrdinal(Name, other.Name);
        return names != 0 ? names : string.CompareOrdinal(Type, other.Type);
    }
}
