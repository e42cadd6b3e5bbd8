using Microsoft.Data.Sqlite;

namespace StatefulRelocate.Engines.Tests.Rig;

/// <summary>A journal as somebody else finds it, or leaves it.</summary>
internal static class JournalFile
{
    /// <summary>Runs statements on it, past the program.</summary>
    public static void Execute(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Written by the tests that call this.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
