using System.Numerics;

namespace StatefulRelocate.Snapshots.Packs;

/// <summary>Whether much of some content is as good as random: encrypted, compressed already, or hashes.</summary>
internal static class Noise
{
    private const int Samples = 64, SampleLength = 128;

    /// <summary>Of 128 random bytes some 101 are different; of machine code some 60, of text 30.</summary>
    private const int NoisyValues = 85;

    /// <summary>
    /// Whether three eighths of it are. What a compressor finds no match for is then mostly noise, and to code that by its frequencies too costs a quarter of its time:
    /// of pages that are half random, level 1 makes 69.6 % at 440 MiB/s with it, and 69.7 % at 565 MiB/s without.
    /// </summary>
    public static bool Prevails(ReadOnlySpan<byte> content)
    {
        if (content.Length < Samples * SampleLength)
            return false;
        var (step, noisy) = ((content.Length - SampleLength) / (Samples - 1), 0);
        for (var i = 0; i < Samples; i++)
        {
            if (Values(content.Slice(i * step, SampleLength)) >= NoisyValues)
                noisy++;
        }

        return noisy >= Samples * 3 / 8;
    }

    /// <summary>How many different bytes there are.</summary>
    private static int Values(ReadOnlySpan<byte> sample)
    {
        Span<ulong> seen = stackalloc ulong[4];
        seen.Clear();
        foreach (var value in sample)
            seen[value >> 6] |= 1UL << (value & 63);
        return BitOperations.PopCount(seen[0]) + BitOperations.PopCount(seen[1]) + BitOperations.PopCount(seen[2]) + BitOperations.PopCount(seen[3]);
    }
}
