namespace StatefulRelocate.Configuration.Tests;

public sealed class DurationTests
{
    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("5s", 5_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("24h", 86_400_000)]
    [InlineData("7d", 604_800_000)]
    [InlineData("1.5s", 1_500)]
    [InlineData("1s500ms", 1_500)]
    [InlineData("250us", 0.25)]
    [InlineData("0", 0)]
    [InlineData("0s", 0)]
    public void A_duration_is_numbers_with_units(string text, double milliseconds)
    {
        Assert.True(Duration.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromMicroseconds(milliseconds * 1000), duration);
        Assert.True(Duration.TryParse(Duration.Format(duration), out var again));
        Assert.Equal(duration, again);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("5 s")]
    [InlineData("5S")]
    [InlineData("5sec")]
    [InlineData("30s1m")]
    [InlineData("1s1s")]
    [InlineData("1.2.3s")]
    [InlineData("99999999999999999999s")]
    [InlineData("4000d")]
    public void Anything_else_is_none(string? text) => Assert.False(Duration.TryParse(text, out _));

    [Fact]
    public void A_duration_is_written_in_its_largest_units() => Assert.Equal("1h2m3s4ms", Duration.Format(new TimeSpan(0, 1, 2, 3, 4)));
}
