using Spectre.Console;
using StatefulRelocate.Core.Reports;

namespace StatefulRelocate.Cli.Reports;

/// <summary>Prints a report on standard output: a JSON document, tables on a terminal, plain text elsewhere.</summary>
internal static class ReportPrinter
{
    /// <summary>Prints it.</summary>
    /// <param name="report">The report.</param>
    /// <param name="json">Whether the document for machines is wanted.</param>
    public static void Print(RelocationReport report, bool json)
    {
        if (json)
            Console.Out.WriteLine(ReportJson.Write(report));
        else if (Console.IsOutputRedirected)
            WritePlain(Console.Out, report);
        else
            WriteTables(AnsiConsole.Console, report);
    }

    /// <summary>Aligned columns without colour or frames.</summary>
    public static void WritePlain(TextWriter output, RelocationReport report)
    {
        foreach (var table in ReportTables.Of(report))
        {
            output.WriteLine();
            output.WriteLine(table.Title);
            var widths = new int[table.Columns.Count];
            for (var column = 0; column < widths.Length; column++)
                widths[column] = table.Rows.Select(row => row[column].Length).Append(table.Columns[column].TrimStart('>').Length).Max();
            if (table.Columns.Any(static column => column.Length > 0))
                WriteRow(output, table.Columns, widths, [.. table.Columns.Select(static column => column.TrimStart('>'))]);
            foreach (var row in table.Rows)
                WriteRow(output, table.Columns, widths, row);
        }
    }

    /// <summary>Tables with frames.</summary>
    public static void WriteTables(IAnsiConsole console, RelocationReport report)
    {
        foreach (var table in ReportTables.Of(report))
        {
            var shown = new Table { Title = new TableTitle(Markup.Escape(table.Title)), Border = TableBorder.Rounded };
            foreach (var column in table.Columns)
            {
                var added = new TableColumn(Markup.Escape(column.TrimStart('>')));
                if (column.StartsWith('>'))
                    added.RightAligned();
                shown.AddColumn(added);
            }

            if (table.Columns.All(static column => column.Length == 0))
                shown.HideHeaders();
            foreach (var row in table.Rows)
                shown.AddRow([.. row.Select(static cell => new Text(cell))]);
            console.Write(shown);
        }
    }

    private static void WriteRow(TextWriter output, IReadOnlyList<string> columns, int[] widths, IReadOnlyList<string> cells)
    {
        var line = string.Join("  ", cells.Select((cell, i) => columns[i].StartsWith('>') ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i])));
        output.WriteLine($"  {line}".TrimEnd());
    }
}
