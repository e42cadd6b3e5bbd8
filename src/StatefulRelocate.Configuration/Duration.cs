using System.Buffers;
using System.Globalization;
using System.Text;

namespace StatefulRelocate.Configuration;

/// <summary>Durations as people write them: <c>500ms</c>, <c>5s</c>, <c>1m30s</c>, <c>1.5h</c>, <c>7d</c>.</summary>
public static class Duration
{
    private static readonly (string Unit, long Ticks)[] s_units =
    [
        ("d", TimeSpan.TicksPerDay), ("h", TimeSpan.TicksPerHour), ("m", TimeSpan.TicksPerMinute), ("s", TimeSpan.TicksPerSecond),
        ("ms", TimeSpan.TicksPerMillisecond), ("us", TimeSpan.TicksPerMicrosecond),
    ];

    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789.");

    /// <summary>The longest that is understood: 3650 days.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromDays(3650);

    /// <summary>Reads a duration: numbers with a unit each, the larger unit first. Never negative; a number without a unit is refused, except 0.</summary>
    /// <param name="text">The text.</param>
    /// <param name="duration">The duration.</param>
    /// <returns>Whether the text is one.</returns>
    public static bool TryParse(string? text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (text is "0")
            return true;
        var rest = text.AsSpan();
        var (nextUnit, ticks) = (0, 0m);
        if (rest.Length is 0 or > 64)
            return false;
        while (rest.Length > 0)
        {
            var digits = rest.IndexOfAnyExcept(s_digits);
            if (digits <= 0 || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) || number > 1_000_000_000)
                return false;
            rest = rest[digits..];
            var letters = rest.IndexOfAny(s_digits);
            var unit = letters < 0 ? rest : rest[..letters];
            var index = IndexOf(unit);
            if (index < nextUnit)
                return false;
            ticks += number * s_units[index].Ticks;
            nextUnit = index + 1;
            rest = rest[unit.Length..];
        }

        if (ticks > Longest.Ticks)
            return false;
        duration = TimeSpan.FromTicks((long)ticks);
        return true;
    }

    /// <summary>Writes a duration so that <see cref="TryParse"/> reads it back: <c>1m30s</c>.</summary>
    /// <param name="duration">Not negative; what is below a microsecond is dropped.</param>
    public static string Format(TimeSpan duration)
    {
        var text = new StringBuilder();
        var rest = duration.Ticks;
        foreach (var (unit, ticks) in s_units)
        {
            if (rest < ticks)
                continue;
            text.Append(CultureInfo.InvariantCulture, $"{rest / ticks}{unit}");
            rest %= ticks;
        }

        return text.Length == 0 ? "0s" : text.ToString();
    }

    private static int IndexOf(ReadOnlySpan<char> unit)
    {
        for (var i = 0; i < s_units.Length; i++)
        {
            if (unit.SequenceEqual(s_units[i].Unit))
                return i;
        }

        return -1;
    }
}
