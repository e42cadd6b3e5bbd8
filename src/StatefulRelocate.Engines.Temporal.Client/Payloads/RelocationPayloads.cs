using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using StatefulRelocate.Core.Serialization;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using Temporalio.Converters;

namespace StatefulRelocate.Engines.Temporal.Client.Payloads;

/// <summary>How values become Temporal payloads: JSON of compile-time metadata, as the core writes it; encrypted where a codec is given.</summary>
public static class RelocationPayloads
{
    /// <summary>The JSON options; they know the contract and the core and nothing by reflection.</summary>
    public static JsonSerializerOptions JsonOptions { get; } = MakeOptions();

    /// <summary>The converter of clients and workers.</summary>
    /// <param name="codec">Encrypts and decrypts, or null: payloads and failure messages stand in the clear.</param>
    public static DataConverter Converter(IPayloadCodec? codec = null) => new(
        new DefaultPayloadConverter(JsonOptions),
        codec is null ? new DefaultFailureConverter() : new DefaultFailureConverter.WithEncodedCommonAttributes(),
        codec ?? new ClearPayloads());

    private static JsonSerializerOptions MakeOptions()
    {
        var options = new JsonSerializerOptions(ContractJson.Default.Options) { TypeInfoResolver = JsonTypeInfoResolver.Combine(ContractJson.Default, CoreJson.Default, FailureJson.Default) };
        options.MakeReadOnly();
        return options;
    }
}

/// <summary>What the SDK itself writes as JSON: the message and stack trace of an encrypted failure.</summary>
[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class FailureJson : JsonSerializerContext;
