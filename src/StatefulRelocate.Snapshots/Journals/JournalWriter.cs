using System.IO.Hashing;

namespace StatefulRelocate.Snapshots.Journals;

/// <summary>
/// Writes the table of a journal beside the one in force: rows in path order, then the head, its offset and a checksum of everything. It
/// carries the boot id, so it needs no fsync: after a crash of the machine it is another boot, and the files are compared in full.
/// </summary>
internal sealed class JournalWriter : IDisposable
{
    public const uint Magic = 0x324A5253;
    public const int ChecksumLength = 16, TrailerLength = 8 + ChecksumLength;
    private readonly string _path;
    private readonly FileStream _file;
    private readonly XxHash128 _hash = new();
    private readonly byte[] _buffer = new byte[256 * 1024];
    private int _filled;
    private long _length;
    private bool _committed;

    public JournalWriter(string path)
    {
        _path = path;
        _file = new FileStream(path + ".new", new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        Append(BitConverter.GetBytes(Magic));
    }

    public long Entries { get; private set; }

    /// <summary>Adds a row as <see cref="RowBuilder"/> made it or as it stood in the table before.</summary>
    public void Add(ReadOnlySpan<byte> row)
    {
        Append(row);
        Entries++;
    }

    /// <summary>Puts the table in place of the one before.</summary>
    public void Commit(JournalHead head)
    {
        var headAt = _length;
        using var memory = new MemoryStream();
        using (var writer = new BinaryWriter(memory))
        {
            (head with { Entries = Entries }).Write(writer);
            writer.Write(headAt);
        }

        Append(memory.ToArray());
        Flush();
        _file.Write(_hash.GetCurrentHash());
        _file.Dispose();
        File.Move(_path + ".new", _path, overwrite: true);
        _committed = true;
    }

    public void Dispose()
    {
        _file.Dispose();
        if (!_committed)
            File.Delete(_path + ".new");
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        _length += bytes.Length;
        if (bytes.Length > _buffer.Length - _filled)
            Flush();
        if (bytes.Length > _buffer.Length)
        {
            _hash.Append(bytes);
            _file.Write(bytes);
            return;
        }

        bytes.CopyTo(_buffer.AsSpan(_filled));
        _filled += bytes.Length;
    }

    private void Flush()
    {
        _hash.Append(_buffer.AsSpan(0, _filled));
        _file.Write(_buffer.AsSpan(0, _filled));
        _filled = 0;
    }
}
