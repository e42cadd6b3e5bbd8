using System.Text;
using StatefulRelocate.Snapshots.Packs;

namespace StatefulRelocate.Snapshots.Tests.Segments;

public sealed class NoiseTests
{
    private const int Page = 8192, Pages = 32;

    [Fact]
    public void Noise_prevails_in_random_bytes_and_in_pages_that_are_half_random()
    {
        Assert.True(Noise.Prevails(Content(Page)));
        Assert.True(Noise.Prevails(Content(Page / 2)));
    }

    [Fact]
    public void It_does_not_in_text_in_programs_and_in_pages_with_a_random_key_each()
    {
        Assert.False(Noise.Prevails(Content(0)));
        Assert.False(Noise.Prevails(Content(Page / 16)));
        Assert.False(Noise.Prevails(File.ReadAllBytes(typeof(object).Assembly.Location).AsSpan(1 << 20, Pages * Page)));
    }

    [Fact]
    public void Little_is_never_looked_at() => Assert.False(Noise.Prevails(Content(Page).AsSpan(0, Page - 1)));

    private static byte[] Content(int random)
    {
        var content = new byte[Pages * Page];
        var text = Encoding.ASCII.GetBytes(string.Join(';', Enumerable.Range(0, Page).Select(number => $"order {number} is open")));
        for (var page = 0; page < Pages; page++)
        {
            text.AsSpan(page, Page).CopyTo(content.AsSpan(page * Page));
            new Random(page).NextBytes(content.AsSpan(page * Page, random));
        }

        return content;
    }
}
