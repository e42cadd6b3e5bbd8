using System.Net;
using System.Net.Sockets;
using System.Text;
using StatefulRelocate.Core.Dns;

namespace StatefulRelocate.Dns.Zones;

/// <summary>The one canonical form of names and record data, so that two sets that mean the same compare equal.</summary>
internal static class RecordData
{
    private const int MaxCharacterString = 255; // RFC 1035 §3.3
    private static readonly TimeSpan MaxTtl = TimeSpan.FromSeconds(int.MaxValue); // RFC 2181 §8

    /// <summary>Lower case, without the final dot.</summary>
    /// <exception cref="FormatException">Not a name that this server can hold.</exception>
    public static string CanonicalName(string name)
    {
        var canonical = name.EndsWith('.') ? name[..^1] : name;
        var labels = canonical.Split('.');
        if (canonical.Length is 0 or > 253 || labels.Any(label => label.Length is 0 or > 63 || !label.All(IsNameCharacter)))
            throw new FormatException($"'{name}' is not a DNS name (letters, digits, '-' and '_' in labels of 1 to 63, at most 253 in all)");
        return canonical.ToLowerInvariant();
    }

    /// <summary>The set in canonical form: names lower case, data in its shortest form, sorted, without duplicates.</summary>
    /// <exception cref="FormatException">The type is not one of A, AAAA and TXT, or the TTL or data do not fit it.</exception>
    public static DnsRecordSet Canonical(DnsRecordSet set)
    {
        var type = CanonicalType(set.Type);
        if (set.Records.IsDefaultOrEmpty)
            return new DnsRecordSet { Name = CanonicalName(set.Name), Type = type };
        if (set.Ttl < TimeSpan.Zero || set.Ttl > MaxTtl || set.Ttl.Ticks % TimeSpan.TicksPerSecond != 0)
            throw new FormatException($"a TTL is whole seconds from 0 to {int.MaxValue}, not {set.Ttl}");
        return new DnsRecordSet
        {
            Name = CanonicalName(set.Name),
            Type = type,
            Ttl = set.Ttl,
            Records = [.. set.Records.Select(data => CanonicalData(type, data)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
        };
    }

    /// <summary>The type in upper case.</summary>
    /// <exception cref="FormatException">Not A, AAAA or TXT.</exception>
    public static string CanonicalType(string type) => type.ToUpperInvariant() switch
    {
        "A" => "A",
        "AAAA" => "AAAA",
        "TXT" => "TXT",
        _ => throw new FormatException($"record type '{type}' is not supported; use A, AAAA or TXT (SOA and NS are made by the server)"),
    };

    /// <summary>The character strings of TXT data in presentation form (RFC 1035 §5.1).</summary>
    /// <exception cref="FormatException">A quote is open, a string too long, or a byte not printable ASCII.</exception>
    public static IReadOnlyList<string> TextStrings(string data)
    {
        var strings = new List<string>();
        var position = 0;
        while (true)
        {
            while (position < data.Length && data[position] == ' ')
                position++;
            if (position == data.Length)
                break;
            strings.Add(NextString(data, ref position));
        }

        return strings.Count > 0 ? strings : throw new FormatException("TXT data is empty; write \"\" for an empty string");
    }

    /// <summary>Character strings in presentation form.</summary>
    public static string TextPresentation(IEnumerable<string> strings)
        => string.Join(' ', strings.Select(text => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\""));

    private static string CanonicalData(string type, string data) => type switch
    {
        "TXT" => TextPresentation(TextStrings(data)),
        "A" => Address(data, AddressFamily.InterNetwork, "IPv4"),
        _ => Address(data, AddressFamily.InterNetworkV6, "IPv6"),
    };

    private static string Address(string data, AddressFamily family, string familyName)
    {
        // The parser also takes "1" and "0x7f.1" for IPv4; DNS data is four decimal numbers.
        if (!IPAddress.TryParse(data, out var address) || address.AddressFamily != family || data.Contains('%', StringComparison.Ordinal)
            || (family == AddressFamily.InterNetwork && address.ToString() != data))
        {
            throw new FormatException($"'{data}' is not an {familyName} address");
        }

        return address.ToString();
    }

    private static string NextString(string data, ref int position)
    {
        var quoted = data[position] == '"';
        if (quoted)
            position++;
        var text = new StringBuilder();
        for (; position < data.Length && data[position] != (quoted ? '"' : ' '); position++)
        {
            if (data[position] == '\\' && ++position == data.Length)
                throw new FormatException($"TXT data ends with a single '\\': {data}");
            if (data[position] is < ' ' or > '~')
                throw new FormatException("TXT data must be printable ASCII");
            text.Append(data[position]);
        }

        if (quoted && position++ == data.Length)
            throw new FormatException($"TXT data has an open quote: {data}");
        return text.Length <= MaxCharacterString
            ? text.ToString()
            : throw new FormatException($"a TXT string has {text.Length} bytes, at most {MaxCharacterString} fit; split it into several quoted strings");
    }

    private static bool IsNameCharacter(char character) => char.IsAsciiLetterOrDigit(character) || character is '-' or '_';
}
