using System.Collections.Immutable;

namespace StatefulRelocate.Core.Dns;

/// <summary>All records of one name and type (RFC 2181 §5), with the TTL they share.</summary>
public sealed record DnsRecordSet
{
    /// <summary>The fully qualified name without the final dot, lower case.</summary>
    public required string Name { get; init; }

    /// <summary><c>A</c>, <c>AAAA</c> or <c>TXT</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The TTL. Zero in an empty set.</summary>
    public TimeSpan Ttl { get; init; }

    /// <summary>The data of the records in presentation form, sorted ordinally; empty when the set does not exist.</summary>
    public ImmutableArray<string> Records { get; init; } = [];

    /// <summary>Same name, type, TTL and data.</summary>
    public bool Equals(DnsRecordSet? other) => other is not null
        && string.Equals(Name, other.Name, StringComparison.Ordinal) && string.Equals(Type, other.Type, StringComparison.Ordinal)
        && Ttl == other.Ttl && Records.AsSpan().SequenceEqual(other.Records.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Type, Ttl, Records.Length);
}
