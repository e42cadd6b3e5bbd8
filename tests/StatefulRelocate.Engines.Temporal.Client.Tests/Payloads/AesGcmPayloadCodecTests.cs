using System.Security.Cryptography;
using Google.Protobuf;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.Engines.Temporal.Client.Payloads;
using Temporalio.Api.Common.V1;
using Temporalio.Converters;

namespace StatefulRelocate.Engines.Temporal.Client.Tests.Payloads;

public sealed class AesGcmPayloadCodecTests
{
    private const string Secret = "the-name-of-a-secret";
    private readonly AesGcmPayloadCodec _codec = new(RandomNumberGenerator.GetBytes(PayloadKey.Length));

    [Fact]
    public async Task A_payload_comes_back_as_it_was()
    {
        var converter = RelocationPayloads.Converter(_codec);

        var payload = await converter.ToPayloadAsync(new SignalInput { Reason = Secret });

        Assert.Equal(Secret, (await converter.ToValueAsync<SignalInput>(payload)).Reason);
        Assert.DoesNotContain(Secret, payload.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, payload.Data.ToStringUtf8(), StringComparison.Ordinal);
        Assert.Equal("binary/encrypted", payload.Metadata["encoding"].ToStringUtf8());
        Assert.Equal(_codec.KeyId, payload.Metadata["encryption-key-id"].ToStringUtf8());
    }

    [Fact]
    public async Task The_same_payload_never_looks_the_same_twice()
    {
        var converter = RelocationPayloads.Converter(_codec);

        Assert.NotEqual(await converter.ToPayloadAsync(Secret), await converter.ToPayloadAsync(Secret));
    }

    [Fact]
    public async Task A_clear_payload_is_read_with_a_key()
    {
        var clear = await RelocationPayloads.Converter().ToPayloadAsync(Secret);

        Assert.Equal(Secret, await RelocationPayloads.Converter(_codec).ToValueAsync<string>(clear));
    }

    [Fact]
    public async Task Every_changed_byte_is_noticed_and_nothing_of_it_is_told()
    {
        var payload = await RelocationPayloads.Converter(_codec).ToPayloadAsync(Secret);
        for (var place = 0; place < payload.Data.Length; place++)
        {
            var data = payload.Data.ToByteArray();
            data[place] ^= 1;

            var error = await RefusedAsync(_codec, payload, data);

            Assert.Equal(ExitCode.Damage, error.ExitCode);
            Assert.Contains(_codec.KeyId, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(Secret, error.ToString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(27)]
    [InlineData(28)]
    public async Task A_payload_cut_short_is_refused(int length)
    {
        var payload = await RelocationPayloads.Converter(_codec).ToPayloadAsync(Secret);

        Assert.Equal(ExitCode.Damage, (await RefusedAsync(_codec, payload, payload.Data.ToByteArray()[..length])).ExitCode);
    }

    [Fact]
    public async Task Another_key_is_told_from_damage_by_the_ids_of_both()
    {
        var other = new AesGcmPayloadCodec(RandomNumberGenerator.GetBytes(PayloadKey.Length));
        var payload = await RelocationPayloads.Converter(_codec).ToPayloadAsync(Secret);

        var error = await RefusedAsync(other, payload, payload.Data.ToByteArray());

        Assert.Contains(_codec.KeyId, error.Message, StringComparison.Ordinal);
        Assert.Contains(other.KeyId, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key_an_encrypted_payload_says_which_key_is_missing()
    {
        var payload = await RelocationPayloads.Converter(_codec).ToPayloadAsync(Secret);

        var error = await Assert.ThrowsAsync<RelocateException>(() => RelocationPayloads.Converter().ToValueAsync<string>(payload));

        Assert.Contains(_codec.KeyId, error.Message, StringComparison.Ordinal);
        Assert.Contains("RELOCATE_PAYLOAD_KEY_FILE", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_is_stored_without_its_message_and_read_with_it()
    {
        var converter = RelocationPayloads.Converter(_codec);

        var failure = await converter.ToFailureAsync(new InvalidOperationException(Secret));

        Assert.DoesNotContain(Secret, failure.ToString(), StringComparison.Ordinal);
        Assert.Equal(Secret, (await converter.ToExceptionAsync(failure)).Message);
    }

    private static async Task<RelocateException> RefusedAsync(AesGcmPayloadCodec codec, Payload payload, byte[] data) =>
        await Assert.ThrowsAsync<RelocateException>(() => codec.DecodeAsync([new Payload(payload) { Data = ByteString.CopyFrom(data) }]));
}
