using Google.Protobuf;
using StatefulRelocate.Core.Errors;
using Temporalio.Api.Common.V1;
using Temporalio.Converters;

namespace StatefulRelocate.Engines.Temporal.Client.Payloads;

/// <summary>How an encrypted payload is marked.</summary>
internal static class EncryptedPayload
{
    private const string EncodingField = "encoding";
    private const string KeyIdField = "encryption-key-id";
    private static readonly ByteString s_encoding = ByteString.CopyFromUtf8("binary/encrypted");

    public static Payload Make(ReadOnlySpan<byte> keyId, byte[] data) => new()
    {
        Metadata = { [EncodingField] = s_encoding, [KeyIdField] = ByteString.CopyFrom(keyId) },
        Data = UnsafeByteOperations.UnsafeWrap(data),
    };

    public static bool Is(Payload payload) => payload.Metadata.TryGetValue(EncodingField, out var encoding) && encoding.Equals(s_encoding);

    /// <summary>As it was written; it came from elsewhere, so nothing but what can be a key's id is told.</summary>
    public static string KeyId(Payload payload) =>
        payload.Metadata.TryGetValue(KeyIdField, out var id) && id.ToStringUtf8() is { Length: <= 64 } text && text.All(char.IsAsciiLetterOrDigit) ? text : "unknown";
}

/// <summary>What stands in the codec's place where there is no key: payloads stand in the clear, and one that is encrypted says which key is missing.</summary>
internal sealed class ClearPayloads : IPayloadCodec
{
    public Task<IReadOnlyCollection<Payload>> EncodeAsync(IReadOnlyCollection<Payload> payloads) => Task.FromResult(payloads);

    public Task<IReadOnlyCollection<Payload>> DecodeAsync(IReadOnlyCollection<Payload> payloads) =>
        payloads.FirstOrDefault(EncryptedPayload.Is) is { } encrypted
            ? throw new RelocateException($"a payload on the Temporal server is encrypted with key {EncryptedPayload.KeyId(encrypted)}, and no key is configured here; let {Connecting.ConnectionSettings.PayloadKeyFileVariable} name the file with that key")
            : Task.FromResult(payloads);
}
