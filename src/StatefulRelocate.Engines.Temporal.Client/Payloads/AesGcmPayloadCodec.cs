using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using StatefulRelocate.Core.Errors;
using Temporalio.Api.Common.V1;
using Temporalio.Converters;

namespace StatefulRelocate.Engines.Temporal.Client.Payloads;

/// <summary>
/// Encrypts payloads with AES-256-GCM before they leave the process. A payload becomes nonce (12 random bytes), ciphertext of the whole payload, and tag
/// (16 bytes); its metadata name the encoding <c>binary/encrypted</c> and the key, as Temporal's own samples do. Clear payloads pass when decoding, so
/// that a key can be introduced while relocations run.
/// </summary>
public sealed class AesGcmPayloadCodec : IPayloadCodec
{
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private readonly byte[] _key;
    private readonly byte[] _keyId;

    /// <param name="key">32 bytes.</param>
    public AesGcmPayloadCodec(ReadOnlySpan<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, PayloadKey.Length, nameof(key));
        _key = key.ToArray();
        KeyId = Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, 8));
        _keyId = Encoding.ASCII.GetBytes(KeyId);
    }

    /// <summary>Names the key without telling it: the first 8 bytes of its SHA-256 in hex.</summary>
    public string KeyId { get; }

    /// <inheritdoc/>
    public Task<IReadOnlyCollection<Payload>> EncodeAsync(IReadOnlyCollection<Payload> payloads) => Task.FromResult<IReadOnlyCollection<Payload>>([.. payloads.Select(Encrypt)]);

    /// <inheritdoc/>
    /// <exception cref="RelocateException">A payload is encrypted with another key, or was changed.</exception>
    public Task<IReadOnlyCollection<Payload>> DecodeAsync(IReadOnlyCollection<Payload> payloads) => Task.FromResult<IReadOnlyCollection<Payload>>([.. payloads.Select(Decrypt)]);

    private Payload Encrypt(Payload payload)
    {
        var plain = payload.ToByteArray();
        var data = new byte[NonceLength + plain.Length + TagLength];
        var nonce = data.AsSpan(0, NonceLength);
        RandomNumberGenerator.Fill(nonce);
        using (var aes = new AesGcm(_key, TagLength))
            aes.Encrypt(nonce, plain, data.AsSpan(NonceLength, plain.Length), data.AsSpan(NonceLength + plain.Length), _keyId);
        return EncryptedPayload.Make(_keyId, data);
    }

    private Payload Decrypt(Payload payload)
    {
        if (!EncryptedPayload.Is(payload))
            return payload;
        var data = payload.Data.Span;
        if (EncryptedPayload.KeyId(payload) is var written && written != KeyId)
            throw new RelocateException($"a payload on the Temporal server is encrypted with key {written}, and the key here is {KeyId}; let {Connecting.ConnectionSettings.PayloadKeyFileVariable} name the file with that key");
        try
        {
            var plain = new byte[data.Length - NonceLength - TagLength];
            using (var aes = new AesGcm(_key, TagLength))
                aes.Decrypt(data[..NonceLength], data.Slice(NonceLength, plain.Length), data[^TagLength..], plain, _keyId);
            return Payload.Parser.ParseFrom(plain);
        }
        catch (Exception error) when (error is CryptographicException or OverflowException or InvalidProtocolBufferException)
        {
            throw new RelocateException($"a payload on the Temporal server, encrypted with key {KeyId}, was changed after that; it is not used", ExitCode.Damage, error);
        }
    }
}
