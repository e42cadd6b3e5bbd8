using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace StatefulRelocate.EndToEnd.Tests.Kills;

/// <summary>Reads the journal of a state directory from outside, as any SQLite program may.</summary>
internal static class JournalWatch
{
    /// <summary>Everything that every text column of the journal holds now, joined; empty while there is none.</summary>
    public static string Text(string stateDirectory)
    {
        var path = Path.Combine(stateDirectory, "journal", "relocations.db");
        if (!File.Exists(path))
            return "";
        try
        {
            using var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=false;Default Timeout=2");
            connection.Open();
            var tables = new List<string>();
            using (var list = connection.CreateCommand())
            {
                list.CommandText = "select name from sqlite_master where type = 'table'";
                using var names = list.ExecuteReader();
                while (names.Read())
                    tables.Add(names.GetString(0));
            }

            var text = new System.Text.StringBuilder();
            foreach (var table in tables)
            {
                using var all = connection.CreateCommand();
                all.CommandText = $"select * from \"{table}\"";
                using var rows = all.ExecuteReader();
                while (rows.Read())
                    for (var column = 0; column < rows.FieldCount; column++)
                        if (rows.GetValue(column) is { } value)
                            text.Append(value is byte[] bytes ? System.Text.Encoding.UTF8.GetString(bytes) : value).Append('\n');
            }

            return text.ToString();
        }
        catch (SqliteException)
        {
            // Being made, or locked for an instant.
            return "";
        }
    }

    /// <summary>Whether a step's do was dispatched.</summary>
    public static bool Started(string stateDirectory, string step) => StartedAt(stateDirectory, step) is not null;

    /// <summary>When a step's do was dispatched first, or null.</summary>
    public static Instant? StartedAt(string stateDirectory, string step)
    {
        foreach (var line in Text(stateDirectory).Split('\n'))
        {
            if (!line.Contains("\"stepStarted\"", StringComparison.Ordinal))
                continue;
            using var document = JsonDocument.Parse(line);
            var entry = document.RootElement;
            if (entry.GetProperty("step").GetString() == step && entry.GetProperty("direction").GetString() == "do")
                return new Instant(entry.GetProperty("at").GetDateTimeOffset());
        }

        return null;
    }
}

/// <summary>A time that may be missing.</summary>
internal sealed record Instant(DateTimeOffset At);
