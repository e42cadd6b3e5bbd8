using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace ImageServer;

/// <summary>
/// Images as files, and what is known of them in SQLite. A row is committed only after its file is durable, so a row always has its
/// bytes, whenever the process dies; a file without a row is the rest of a write that nobody was told of.
/// </summary>
internal sealed class ImageStore
{
    /// <summary>The database, in the data directory.</summary>
    public const string DatabaseName = "images.db";

    private readonly string data;
    private readonly string database;
    private readonly Lock writing = new();
    private readonly Lock reading = new();
    private readonly SqliteConnection writer;
    private readonly SqliteConnection reader;
    private (long Count, long Bytes)? totals;

    public ImageStore(string data)
    {
        this.data = data;
        Directory.CreateDirectory(Path.Combine(data, "images"));
        database = Path.Combine(data, DatabaseName);
        writer = Open();
        // FULL: a commit is on the disk before it is acknowledged. A short log is quickly read again after a move.
        Execute(writer, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=256");
        Execute(writer, """
            CREATE TABLE IF NOT EXISTS images(
                sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, size INTEGER NOT NULL,
                sha256 TEXT NOT NULL, cluster TEXT NOT NULL, created INTEGER NOT NULL)
            """);
        reader = Open();
    }

    /// <summary>Letters, digits, '-' and '_', at most 64: it becomes the name of a file.</summary>
    public static bool IsId(string id) => id.Length is > 0 and <= 64 && id.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_');

    /// <summary>Keeps an image; when it returns, the image survives a power cut.</summary>
    public Kept Keep(string id, string type, ReadOnlySpan<byte> bytes, string cluster)
    {
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
        lock (writing)
        {
            if (Find(id) is { } before)
                return before.Sha256 == sha256 ? Kept.Before : Kept.Otherwise;
            var path = FileOf(id);
            if (!Directory.Exists(Path.GetDirectoryName(path)))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                DurableFile.FlushDirectory(Path.Combine(data, "images"));
            }

            DurableFile.Write(path, bytes);
            Insert(new StoredImage(0, id, type, bytes.Length, sha256, cluster, TimeProvider.System.GetUtcNow()), transaction: null);
            return Kept.Now;
        }
    }

    public StoredImage? Find(string id) => Query("WHERE id = $value", id, 1).FirstOrDefault();

    /// <summary>The newest ones before a sequence number, newest first.</summary>
    public IReadOnlyList<StoredImage> Page(long before, int limit) => Query("WHERE sequence < $value ORDER BY sequence DESC", before, limit);

    /// <summary>The number of images and of their bytes.</summary>
    public (long Count, long Bytes) Totals()
    {
        lock (reading)
        {
            if (totals is null)
            {
                using var command = reader.CreateCommand();
                command.CommandText = "SELECT count(*), coalesce(sum(size), 0) FROM images";
                using var row = command.ExecuteReader();
                row.Read();
                totals = (row.GetInt64(0), row.GetInt64(1));
            }

            return totals.Value;
        }
    }

    /// <summary>Adds many at once, as pictures that nobody waits for: one flush for all.</summary>
    public void Import(IEnumerable<(StoredImage Image, byte[] Bytes)> images)
    {
        lock (writing)
        {
            using var transaction = writer.BeginTransaction();
            foreach (var (image, bytes) in images)
            {
                var path = FileOf(image.Id);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllBytes(path, bytes);
                Insert(image, transaction);
            }

            // A later write trusts that the directory it finds is durable.
            DurableFile.FlushDirectory(Path.Combine(data, "images"));
            transaction.Commit();
        }
    }

    /// <summary>Where an image's bytes are.</summary>
    public string FileOf(string id)
    {
        // Ids that begin alike would fill one directory.
        var shard = Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(id)).AsSpan(0, 1));
        return Path.Combine(data, "images", shard, id);
    }

    /// <summary>The hash of the stored bytes of each image that has a row and a file, read from the file now.</summary>
    public IReadOnlyDictionary<string, string> HashesOf(IEnumerable<string> ids)
    {
        var hashes = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        Parallel.ForEach(ids.Where(IsId).Where(id => Find(id) is not null), id =>
        {
            try
            {
                hashes[id] = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(FileOf(id))));
            }
            catch (IOException)
            {
                // Left out, so that whoever asks sees that it is missing.
            }
        });
        return hashes;
    }

    private void Insert(StoredImage image, SqliteTransaction? transaction)
    {
        using var command = writer.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "INSERT INTO images(id, type, size, sha256, cluster, created) VALUES ($id, $type, $size, $sha256, $cluster, $created)";
        command.Parameters.AddWithValue("$id", image.Id);
        command.Parameters.AddWithValue("$type", image.Type);
        command.Parameters.AddWithValue("$size", image.Size);
        command.Parameters.AddWithValue("$sha256", image.Sha256);
        command.Parameters.AddWithValue("$cluster", image.Cluster);
        command.Parameters.AddWithValue("$created", image.Created.ToUnixTimeMilliseconds());
        command.ExecuteNonQuery();
        lock (reading)
            totals = totals is { } known ? (known.Count + 1, known.Bytes + image.Size) : null;
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        try
        {
            connection.Open();
        }
        catch (SqliteException error)
        {
            throw new IOException($"{database}: cannot be opened: {error.Message}", error);
        }

        return connection;
    }

    private List<StoredImage> Query(string where, object value, int limit)
    {
        lock (reading)
        {
            using var command = reader.CreateCommand();
            command.CommandText = $"SELECT sequence, id, type, size, sha256, cluster, created FROM images {where} LIMIT $limit";
            command.Parameters.AddWithValue("$value", value);
            command.Parameters.AddWithValue("$limit", limit);
            using var row = command.ExecuteReader();
            var images = new List<StoredImage>();
            while (row.Read())
            {
                images.Add(new StoredImage(
                    row.GetInt64(0), row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetString(4), row.GetString(5),
                    DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6))));
            }

            return images;
        }
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}

/// <summary>How a write ended.</summary>
internal enum Kept
{
    /// <summary>It was new.</summary>
    Now,

    /// <summary>The same bytes were there already: a repeated request.</summary>
    Before,

    /// <summary>Other bytes have that id.</summary>
    Otherwise,
}

/// <summary>What is known of an image.</summary>
internal sealed record StoredImage(long Sequence, string Id, string Type, long Size, string Sha256, string Cluster, DateTimeOffset Created);
