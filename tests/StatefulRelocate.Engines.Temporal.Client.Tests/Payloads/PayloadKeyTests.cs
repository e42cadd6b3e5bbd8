using StatefulRelocate.Core.Errors;
using StatefulRelocate.Engines.Temporal.Client.Payloads;

namespace StatefulRelocate.Engines.Temporal.Client.Tests.Payloads;

public sealed class PayloadKeyTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Hex_digits_and_base64_give_the_same_key()
    {
        var key = Enumerable.Range(0, 32).Select(number => (byte)number).ToArray();

        Assert.Equal(key, Read(Convert.ToHexString(key) + "\n"));
        Assert.Equal(key, Read(Convert.ToHexStringLower(key)));
        Assert.Equal(key, Read($"  {Convert.ToBase64String(key)}\n"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("hunter2")]
    [InlineData("00112233445566778899aabbccddeeff00112233445566778899aabbccddee")]
    [InlineData("zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")]
    [InlineData("aHVudGVyMg==")]
    public void What_is_no_key_is_refused_and_not_told(string text)
    {
        var error = Assert.Throws<RelocateException>(() => Read(text));

        Assert.Contains("64 hex digits", error.Message, StringComparison.Ordinal);
        Assert.True(text.Length == 0 || !error.Message.Contains(text, StringComparison.Ordinal));
    }

    [Fact]
    public void A_key_that_everybody_may_read_is_refused()
    {
        var error = Assert.Throws<RelocateException>(() => Read(new string('0', 64), Private | UnixFileMode.OtherRead));

        Assert.Contains("chmod 600", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains("/nowhere/key", Assert.Throws<RelocateException>(() => PayloadKey.Read("/nowhere/key")).Message, StringComparison.Ordinal);

    private byte[] Read(string text, UnixFileMode mode = Private)
    {
        File.WriteAllText(_file, text);
        File.SetUnixFileMode(_file, mode);
        return PayloadKey.Read(_file);
    }
}
