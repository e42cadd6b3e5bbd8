using System.Collections.Immutable;
using System.Text.Json.Serialization;
using StatefulRelocate.Core.Dns;

namespace StatefulRelocate.Dns.Control;

/// <summary>One line to the server.</summary>
internal sealed record ControlRequest
{
    public const string Capture = "capture";
    public const string List = "list";
    public const string Set = "set";
    public const string Stop = "stop";
    public const string Swap = "swap";

    public required string Operation { get; init; }

    public string? Zone { get; init; }

    public string? Name { get; init; }

    public string? Type { get; init; }

    public DnsRecordSet? Expected { get; init; }

    public DnsRecordSet? Next { get; init; }
}

/// <summary>The line that answers. An error without <see cref="Unclear"/> says that nothing was changed.</summary>
internal sealed record ControlResponse
{
    public string? Error { get; init; }

    public bool Unclear { get; init; }

    public bool Replaced { get; init; }

    public DnsRecordSet? RecordSet { get; init; }

    public ImmutableArray<DnsZoneStatus>? Zones { get; init; }
}

/// <summary>A zone that a server serves.</summary>
/// <param name="Name">Its apex, without the final dot.</param>
/// <param name="Serial">The serial of its SOA record.</param>
/// <param name="RecordSets">Its record sets, without the SOA and NS that the server makes.</param>
public sealed record DnsZoneStatus(string Name, uint Serial, ImmutableArray<DnsRecordSet> RecordSets);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlResponse))]
internal sealed partial class ControlJson : JsonSerializerContext;
