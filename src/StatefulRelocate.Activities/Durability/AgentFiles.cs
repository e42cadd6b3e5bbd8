using System.Text.Json.Serialization;
using StatefulRelocate.Activities.Blackout;
using StatefulRelocate.Activities.Cutover;
using StatefulRelocate.Activities.Dns;
using StatefulRelocate.Activities.Leases;
using StatefulRelocate.Activities.Preparing;
using StatefulRelocate.Activities.Volumes;
using StatefulRelocate.Core.Serialization;

namespace StatefulRelocate.Activities.Durability;

/// <summary>The JSON form of the agent's own durable files.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(CamelCaseEnum<BlackoutRole>)])]
[JsonSerializable(typeof(BlackoutDeadline))]
[JsonSerializable(typeof(DnsAttempts))]
[JsonSerializable(typeof(LeaseClaim))]
[JsonSerializable(typeof(PreparedApp))]
[JsonSerializable(typeof(QuiescedApp))]
[JsonSerializable(typeof(VolumeMark))]
internal sealed partial class AgentFiles : JsonSerializerContext;
