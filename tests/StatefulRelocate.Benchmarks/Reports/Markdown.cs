using System.Globalization;
using System.Text;

namespace StatefulRelocate.Benchmarks.Reports;

/// <summary>Lines and tables that read well in a terminal and on a page.</summary>
internal static class Markdown
{
    public static void Table(StringBuilder text, string[] heads, IEnumerable<string[]> rows, bool numbers = true)
    {
        var all = rows.Prepend(heads).ToList();
        var widths = heads.Select((_, column) => all.Max(row => row[column].Length)).ToArray();
        string Row(string[] cells) => $"| {string.Join(" | ", cells.Select((cell, i) => i == 0 || !numbers ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i])))} |";
        Line(text, Row(heads));
        Line(text, $"|{string.Join('|', widths.Select((width, i) => i == 0 || !numbers ? new string('-', width + 2) : $"{new string('-', width + 1)}:"))}|");
        foreach (var row in all.Skip(1))
            Line(text, Row(row));
        Line(text, "");
    }

    public static string Number(double value) => value.ToString(Math.Abs(value) switch { >= 100 => "0", >= 10 => "0.0", >= 1 => "0.00", _ => "0.000" }, CultureInfo.InvariantCulture);

    public static string Whole(double value) => value.ToString("0", CultureInfo.InvariantCulture);

    public static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    public static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');
}
