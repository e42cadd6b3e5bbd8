using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Data.Sqlite;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Core.Serialization;
using StatefulRelocate.Engines.Faults;

namespace StatefulRelocate.Engines;

/// <summary>
/// The journal of all relocations in one SQLite file (WAL, <c>synchronous=FULL</c>): what is appended is durable when the call
/// returns. Any process reads and signals; one engine, by its lock, carries out. Thread-safe; calls are short and block, and throw a
/// <see cref="RelocateException"/> when the file cannot be read or written.
/// </summary>
public sealed class RelocationJournal : IDisposable
{
    private const string Columns = "plan, created_at, ended, halted";

    private readonly Lock _gate = new();
    private readonly SqliteConnection _connection;
    private readonly TimeProvider _time;

    private RelocationJournal(SqliteConnection connection, string path, TimeProvider time) => (_connection, Path, _time) = (connection, path, time);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Opens the journal; makes it, with its directory, when it is missing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="time">The clock of signals and plans. Default: the system's.</param>
    /// <exception cref="RelocateException">It cannot be opened or made.</exception>
    public static RelocationJournal Open(string path, TimeProvider? time = null)
    {
        SqliteConnection? connection = null;
        try
        {
            var directory = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
            if (!Directory.Exists(directory))
                Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 30 }.ToString());
            connection.Open();
            JournalSchema.Prepare(connection, path);
            return new RelocationJournal(connection, path, time ?? TimeProvider.System);
        }
        catch (Exception error) when (error is SqliteException or IOException or UnauthorizedAccessException)
        {
            connection?.Dispose();
            throw new RelocateException($"{path}: cannot open the journal: {OneLine(error)}; restore it from a copy, or choose another directory with --state", inner: error);
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
    }

    /// <summary>Whether a journal is there; reading commands do not make one.</summary>
    public static bool Exists(string path) => File.Exists(path);

    /// <summary>Writes a plan and the faults to inject into it. The engine, in this or another process, takes it up.</summary>
    public void Create(RelocationPlan plan, params ReadOnlySpan<Fault> faults)
    {
        var injected = faults.ToArray();
        Write(transaction =>
        {
            Run(transaction, "INSERT INTO relocations (id, plan, created_at) VALUES ($id, $plan, $at)",
                ("$id", plan.RelocationId), ("$plan", JsonSerializer.Serialize(plan, CoreJson.Default.RelocationPlan)), ("$at", Text(_time.GetUtcNow())));
            foreach (var fault in injected)
                Run(transaction, "INSERT INTO faults (relocation, action, at_step, time) VALUES ($id, $action, $step, $time)",
                    ("$id", plan.RelocationId), ("$action", fault.Action.ToString()), ("$step", fault.Step), ("$time", fault.Time.ToString()));
            return true;
        });
    }

    /// <summary>
    /// Appends events, and the attempts that they start, on condition that nobody appended since <paramref name="expectedSequence"/>.
    /// </summary>
    /// <returns>Whether they were appended; if not, somebody came first: read, fold and decide anew.</returns>
    public bool Append(string relocationId, long expectedSequence, IReadOnlyList<SagaEvent> events, params ReadOnlySpan<JournaledAttempt> attempts)
    {
        var started = attempts.ToArray();
        return Write(transaction =>
        {
            if (LastSequence(transaction, relocationId) != expectedSequence)
                return false;
            var sequence = expectedSequence;
            foreach (var happened in events)
                Insert(transaction, relocationId, ++sequence, happened);
            foreach (var attempt in started)
                Insert(transaction, relocationId, attempt);
            return true;
        });
    }

    /// <summary>The events after a place, in order; all of them with 0.</summary>
    public IReadOnlyList<JournaledEvent> Read(string relocationId, long after = 0) => Select(
        reader => new JournaledEvent(reader.GetInt64(0), Parse(reader.GetString(1), CoreJson.Default.SagaEvent, relocationId, $"event {reader.GetInt64(0)}")),
        "SELECT sequence, body FROM events WHERE relocation = $id AND sequence > $after ORDER BY sequence", ("$id", relocationId), ("$after", after));

    /// <summary>All relocations, oldest first.</summary>
    public IReadOnlyList<JournaledRelocation> List() => Select(Relocation, $"SELECT {Columns}, id FROM relocations ORDER BY number");

    /// <summary>The ids of the relocations that have not ended, oldest first.</summary>
    public IReadOnlyList<string> ListOpen() => Select(static reader => reader.GetString(0), "SELECT id FROM relocations WHERE ended = 0 ORDER BY number");

    /// <summary>The relocation of that id, or null.</summary>
    public JournaledRelocation? Find(string relocationId) =>
        Select(Relocation, $"SELECT {Columns}, id FROM relocations WHERE id = $id", ("$id", relocationId)).FirstOrDefault();

    /// <summary>Says something to a relocation; the engine folds it before it commits anything else.</summary>
    /// <param name="relocationId">The relocation.</param>
    /// <param name="signal">What.</param>
    /// <param name="signalId">Counts once, however often it is sent. Default: a new one.</param>
    /// <returns>The signal's id: the folded state says under it what the machine made of the signal.</returns>
    public string Signal(string relocationId, Signal signal, string? signalId = null)
    {
        var id = signalId ?? Guid.CreateVersion7(_time.GetUtcNow()).ToString("N");
        Write(transaction =>
        {
            Insert(transaction, relocationId, LastSequence(transaction, relocationId) + 1, new SignalReceived(id, signal) { At = _time.GetUtcNow() });
            return true;
        });
        return id;
    }

    /// <summary>A number that changes whenever another process or connection has written; cheap enough to ask every few milliseconds.</summary>
    public long ReadDataVersion() => Select(static reader => reader.GetInt64(0), "PRAGMA data_version")[0];

    /// <summary>The attempts of a relocation, those whose dispatches have a result included.</summary>
    public IReadOnlyList<JournaledAttempt> ReadAttempts(string relocationId) => Select(
        reader => new JournaledAttempt(reader.GetInt64(0), reader.GetInt32(1), reader.IsDBNull(2) ? null : Parse(reader.GetString(2), CoreJson.Default.StepFailure, relocationId, "an attempt")),
        "SELECT step_sequence, attempt, answer FROM attempts WHERE relocation = $id ORDER BY step_sequence, attempt", ("$id", relocationId));

    /// <summary>Writes attempts, new ones and answers of old ones.</summary>
    public void WriteAttempts(string relocationId, params ReadOnlySpan<JournaledAttempt> attempts)
    {
        var written = attempts.ToArray();
        Write(transaction =>
        {
            foreach (var attempt in written)
                Insert(transaction, relocationId, attempt);
            return true;
        });
    }

    /// <summary>The injected faults of a relocation and what became of them.</summary>
    public IReadOnlyList<JournaledFault> ReadFaults(string relocationId) => Select(
        static reader => new JournaledFault(
            new Fault(Enum.Parse<FaultAction>(reader.GetString(0)), reader.GetString(1), Enum.Parse<FaultTime>(reader.GetString(2))),
            reader.IsDBNull(3) ? null : reader.GetString(3), reader.GetInt32(4), reader.IsDBNull(5) ? null : reader.GetInt32(5), reader.IsDBNull(6) ? null : reader.GetInt32(6)),
        "SELECT action, at_step, time, step, times, killed_pid, resumed_pid FROM faults WHERE relocation = $id ORDER BY number", ("$id", relocationId));

    /// <summary>Notes, durably, that a fault fires now: the process that goes on must not fire it again.</summary>
    internal void FireFault(string relocationId, Fault fault, string step, int? killedPid) => Execute(
        "UPDATE faults SET step = coalesce(step, $step), times = times + 1, killed_pid = $pid WHERE relocation = $id AND action = $action AND at_step = $at AND time = $time",
        ("$step", step), ("$pid", killedPid), ("$id", relocationId), ("$action", fault.Action.ToString()), ("$at", fault.Step), ("$time", fault.Time.ToString()));

    /// <summary>Notes that this engine process goes on with a relocation; each crash that killed another one gets this process's id.</summary>
    internal void NoteResumed(string relocationId, int pid) => Execute(
        "UPDATE faults SET resumed_pid = $pid WHERE relocation = $id AND killed_pid IS NOT NULL AND resumed_pid IS NULL", ("$pid", pid), ("$id", relocationId));

    /// <summary>Notes why an engine cannot go on with a relocation; null: one tries again.</summary>
    internal void Halt(string relocationId, string? reason) =>
        Execute("UPDATE relocations SET halted = $reason WHERE id = $id", ("$reason", reason), ("$id", relocationId));

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
            _connection.Dispose();
    }

    private JournaledRelocation Relocation(SqliteDataReader reader) => new(
        Parse(reader.GetString(0), CoreJson.Default.RelocationPlan, reader.GetString(4), "the plan"),
        DateTimeOffset.Parse(reader.GetString(1), CultureInfo.InvariantCulture), reader.GetInt64(2) != 0)
    {
        Halted = reader.IsDBNull(3) ? null : reader.GetString(3),
    };

    private List<T> Select<T>(Func<SqliteDataReader, T> row, string sql, params (string, object?)[] parameters) => Exclusively(() =>
    {
        using var command = Command(null, sql, parameters);
        using var reader = command.ExecuteReader();
        var found = new List<T>();
        while (reader.Read())
            found.Add(row(reader));
        return found;
    });

    private void Execute(string sql, params (string, object?)[] parameters) => Write(transaction =>
    {
        Run(transaction, sql, parameters);
        return true;
    });

    /// <summary>One transaction, rolled back when the work says no.</summary>
    private bool Write(Func<SqliteTransaction, bool> work) => Exclusively(() =>
    {
        using var transaction = _connection.BeginTransaction(deferred: false);
        var done = work(transaction);
        if (done)
            transaction.Commit();
        return done;
    });

    private T Exclusively<T>(Func<T> work)
    {
        lock (_gate)
        {
            try
            {
                return work();
            }
            catch (SqliteException error)
            {
                throw new JournalException(
                    $"{Path}: the journal cannot be read or written: {OneLine(error)}; see to the disk that it is on, or restore it from a copy", error);
            }
        }
    }

    private static long LastSequence(SqliteTransaction transaction, string relocationId)
    {
        using var command = transaction.Connection!.CreateCommand();
        command.CommandText = "SELECT coalesce(max(sequence), 0) FROM events WHERE relocation = $id";
        command.Transaction = transaction;
        command.Parameters.AddWithValue("$id", relocationId);
        return (long)command.ExecuteScalar()!;
    }

    private void Insert(SqliteTransaction transaction, string relocationId, long sequence, SagaEvent happened)
    {
        Run(transaction, "INSERT INTO events (relocation, sequence, body) VALUES ($id, $sequence, $body)",
            ("$id", relocationId), ("$sequence", sequence), ("$body", JsonSerializer.Serialize(happened, CoreJson.Default.SagaEvent)));
        if (happened is RelocationEnded)
            Run(transaction, "UPDATE relocations SET ended = 1 WHERE id = $id", ("$id", relocationId));
    }

    private void Insert(SqliteTransaction transaction, string relocationId, JournaledAttempt attempt) =>
        Run(transaction, "INSERT OR REPLACE INTO attempts (relocation, step_sequence, attempt, answer) VALUES ($id, $sequence, $attempt, $answer)",
            ("$id", relocationId), ("$sequence", attempt.StepSequence), ("$attempt", attempt.Attempt),
            ("$answer", attempt.Answer is null ? null : JsonSerializer.Serialize(attempt.Answer, CoreJson.Default.StepFailure)));

    private void Run(SqliteTransaction transaction, string sql, params (string, object?)[] parameters)
    {
        using var command = Command(transaction, sql, parameters);
        command.ExecuteNonQuery();
    }

    private SqliteCommand Command(SqliteTransaction? transaction, string sql, params (string Name, object? Value)[] parameters)
    {
        var command = _connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this class only; values are parameters.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.Transaction = transaction;
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    private T Parse<T>(string json, JsonTypeInfo<T> type, string relocationId, string what) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new JsonException("it is null");
        }
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            throw new RelocateException(
                $"{Path}: {what} of relocation {relocationId} makes no sense: {OneLine(error)}; it was damaged, or written by a newer relocate: use that one, or restore the journal from a copy",
                ExitCode.OurError, error);
        }
    }

    private static string Text(DateTimeOffset at) => at.ToString("O", CultureInfo.InvariantCulture);

    private static string OneLine(Exception error) => error.Message.ReplaceLineEndings(" ").TrimEnd('.');
}
