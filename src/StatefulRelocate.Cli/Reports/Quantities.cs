using System.Globalization;

namespace StatefulRelocate.Cli.Reports;

/// <summary>How figures are written for people.</summary>
internal static class Quantities
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>1.5 MiB.</summary>
    public static string Bytes(long bytes)
    {
        double value = bytes;
        var unit = 0;
        while (value >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {Units[unit]}");
    }

    /// <summary>12.3 ms, or 4.56 s from a second on.</summary>
    public static string Milliseconds(double milliseconds) => milliseconds < 1000
        ? string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.#} ms")
        : string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:0.00} s");

    /// <summary>1,234.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
