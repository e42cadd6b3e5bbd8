using System.Text.Json;
using System.Text.Json.Serialization;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Core.Serialization;

namespace StatefulRelocate.Activities.Streams;

/// <summary>What a line says.</summary>
internal enum StreamMessageType
{
    /// <summary>To the agent: run an activity.</summary>
    Request,

    /// <summary>To the agent: stop the activity of that id; its result still comes.</summary>
    Cancel,

    /// <summary>To the agent: a question beside the activities.</summary>
    Call,

    /// <summary>From the agent: the activity lives.</summary>
    Heartbeat,

    /// <summary>From the agent: the activity's output.</summary>
    Result,

    /// <summary>From the agent: the activity or the call failed.</summary>
    Failure,

    /// <summary>From the agent: the answer to a call.</summary>
    Answer,

    /// <summary>From the agent: the line before made no sense; the connection closes.</summary>
    Error,
}

/// <summary>One line of the protocol: one sparse record for all types, tied to its request by <see cref="Id"/>.</summary>
internal sealed record StreamMessage
{
    public required StreamMessageType Type { get; init; }

    /// <summary>Chosen by the client, unique on the connection; 0 in an <see cref="StreamMessageType.Error"/>.</summary>
    public long Id { get; init; }

    public ActivityRequest? Request { get; init; }

    public ActivityProgress? Progress { get; init; }

    public StepOutput? Output { get; init; }

    public StepFailure? Failure { get; init; }

    public string? Method { get; init; }

    public JsonElement? Body { get; init; }
}

/// <summary>The JSON form of the protocol and of the effect journal, generated at compile time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(CamelCaseEnum<QuiesceMode>), typeof(CamelCaseEnum<NoConvergencePolicy>), typeof(CamelCaseEnum<StepDirection>), typeof(CamelCaseEnum<RelocationPhase>), typeof(CamelCaseEnum<StreamMessageType>)])]
[JsonSerializable(typeof(StreamMessage))]
[JsonSerializable(typeof(EffectEntry))]
internal sealed partial class StreamJson : JsonSerializerContext;
