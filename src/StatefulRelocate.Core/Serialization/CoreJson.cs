using System.Text.Json.Serialization;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Dns;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Serialization;

/// <summary>The JSON form of everything that the core defines: camel case, enums as camel-case strings, nulls left out, generated at compile time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(CamelCaseEnum<QuiesceMode>), typeof(CamelCaseEnum<NoConvergencePolicy>), typeof(CamelCaseEnum<StepDirection>), typeof(CamelCaseEnum<RelocationOutcome>), typeof(CamelCaseEnum<RelocationPhase>), typeof(CamelCaseEnum<HookErrorPolicy>), typeof(CamelCaseEnum<RangeSource>)])]
[JsonSerializable(typeof(ActivityRequest))]
[JsonSerializable(typeof(ActivityProgress))]
[JsonSerializable(typeof(AppDefinition))]
[JsonSerializable(typeof(DnsRecordSet))]
[JsonSerializable(typeof(RelocationPlan))]
[JsonSerializable(typeof(RelocationSpec))]
[JsonSerializable(typeof(SagaEvent))]
[JsonSerializable(typeof(Signal))]
[JsonSerializable(typeof(StepFailure))]
[JsonSerializable(typeof(StepOutput))]
[JsonSerializable(typeof(WriterRecord))]
public sealed partial class CoreJson : JsonSerializerContext;

/// <summary>An enum as its camel-case name.</summary>
/// <typeparam name="T">The enum.</typeparam>
public sealed class CamelCaseEnum<T>() : JsonStringEnumConverter<T>(System.Text.Json.JsonNamingPolicy.CamelCase, allowIntegerValues: false)
    where T : struct, Enum;
