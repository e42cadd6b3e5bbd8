using System.Globalization;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Cli.Demo;

/// <summary>What the user asked the demo for.</summary>
internal sealed record DemoOptions
{
    /// <summary>The data the app starts with. Default: 256 MiB.</summary>
    public long Size { get; init; } = 256L << 20;

    /// <summary>Writes a second of each client. Default: 50.</summary>
    public int WriteRate { get; init; } = 50;

    /// <summary>What carries the relocation on. Default: embedded.</summary>
    public EngineKind Engine { get; init; }

    public QuiesceMode Quiesce { get; init; }

    public string? FailAt { get; init; }

    public string? CrashAt { get; init; }

    public bool Keep { get; init; }

    public bool Json { get; init; }

    /// <summary>The hard bound of the blackout; only tests set it.</summary>
    public TimeSpan MaxBlackout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether the cutover waits for <c>relocate approve</c>; only tests set it.</summary>
    public bool Approval { get; init; }

    /// <summary>Reads a size: bytes, or with <c>KiB</c>, <c>MiB</c>, <c>GiB</c>.</summary>
    public static long ParseSize(string text)
    {
        ReadOnlySpan<(string Suffix, int Shift)> units = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("", 0)];
        foreach (var (suffix, shift) in units)
        {
            if (text.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)
                && long.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number >= 1 && number <= (64L << 30) >> shift)
            {
                return number << shift;
            }
        }

        throw new RelocateException($"--size {text}: not a size from 1 to 64GiB; write it like 256MiB");
    }
}
