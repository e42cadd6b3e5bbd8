using System.Text.Json;
using System.Text.Json.Serialization;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Core.Serialization;

namespace StatefulRelocate.Engines.Temporal.Client.Contract;

/// <summary>The JSON form of what this project adds to the core, generated at compile time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(CamelCaseEnum<QuiesceMode>), typeof(CamelCaseEnum<NoConvergencePolicy>), typeof(CamelCaseEnum<StepDirection>), typeof(CamelCaseEnum<RelocationOutcome>), typeof(CamelCaseEnum<RangeSource>), typeof(CamelCaseEnum<RunStatus>)])]
[JsonSerializable(typeof(RelocationInput))]
[JsonSerializable(typeof(SignalInput))]
[JsonSerializable(typeof(SignalReply))]
[JsonSerializable(typeof(RelocationResult))]
[JsonSerializable(typeof(RelocationStatus))]
[JsonSerializable(typeof(RelocationProgress))]
[JsonSerializable(typeof(EventPage))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(JsonElement))]
public sealed partial class ContractJson : JsonSerializerContext;
