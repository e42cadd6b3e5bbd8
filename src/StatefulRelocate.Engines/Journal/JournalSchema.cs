using Microsoft.Data.Sqlite;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Engines;

/// <summary>The tables of the journal and their version.</summary>
internal static class JournalSchema
{
    public const int Version = 2;

    private const string Tables = """
        CREATE TABLE relocations (
          number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, plan TEXT NOT NULL, created_at TEXT NOT NULL, ended INTEGER NOT NULL DEFAULT 0, halted TEXT);
        CREATE TABLE events (
          relocation TEXT NOT NULL, sequence INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (relocation, sequence)) WITHOUT ROWID;
        CREATE TABLE attempts (
          relocation TEXT NOT NULL, step_sequence INTEGER NOT NULL, attempt INTEGER NOT NULL, answer TEXT,
          PRIMARY KEY (relocation, step_sequence, attempt)) WITHOUT ROWID;
        CREATE TABLE faults (
          number INTEGER PRIMARY KEY, relocation TEXT NOT NULL, action TEXT NOT NULL, at_step TEXT NOT NULL, time TEXT NOT NULL,
          step TEXT, times INTEGER NOT NULL DEFAULT 0, killed_pid INTEGER, resumed_pid INTEGER);
        """;

    private const string FromVersion1 = "ALTER TABLE relocations ADD COLUMN halted TEXT";

    public static void Prepare(SqliteConnection connection, string path)
    {
        // SQLite's own waiting goes in steps of 1 to 100 ms; that of Microsoft.Data.Sqlite sleeps 150 ms at a time.
        Run(connection, "PRAGMA busy_timeout = 30000");
        Run(connection, "PRAGMA journal_mode = WAL");
        Run(connection, "PRAGMA synchronous = FULL");
        if (ReadVersion(connection) == Version)
            return;
        using var transaction = connection.BeginTransaction(deferred: false);
        var version = ReadVersion(connection);
        if (version > Version)
            throw new RelocateException($"{path}: this journal was written by a newer relocate (version {version}, this one knows {Version}); use that one");
        if (version < 0)
            throw new RelocateException($"{path}: this is no journal of relocate (its version is {version}); choose another directory with --state");
        if (version == Version)
            return;
        Run(connection, version == 0 ? Tables : FromVersion1, transaction);
        Run(connection, $"PRAGMA user_version = {Version}", transaction);
        transaction.Commit();
    }

    private static long ReadVersion(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA user_version";
        return (long)command.ExecuteScalar()!;
    }

    private static void Run(SqliteConnection connection, string sql, SqliteTransaction? transaction = null)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this class only.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.Transaction = transaction;
        command.ExecuteNonQuery();
    }
}
