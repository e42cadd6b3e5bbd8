using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace StatefulRelocate.Snapshots.Journals;

/// <summary>Reads the table of a journal row by row; its checksum was verified before the first.</summary>
internal sealed class JournalReader : IDisposable
{
    private const int BufferLength = 256 * 1024;
    private readonly SafeFileHandle _handle;
    private readonly long _rowsEnd;
    private byte[] _buffer = new byte[BufferLength];
    private long _position = 4;
    private int _at, _filled, _row;

    private JournalReader(SafeFileHandle handle, JournalHead head, long rowsEnd) => (_handle, Head, _rowsEnd) = (handle, head, rowsEnd);

    public JournalHead Head { get; }

    /// <summary>The row that <see cref="MoveNext"/> came to; valid until the next call.</summary>
    public JournalRow Current => new(_buffer.AsSpan(_row, _at - _row));

    /// <summary>Whether there is a current row: true from a successful <see cref="MoveNext"/> on until one that fails.</summary>
    public bool HasCurrent { get; private set; }

    /// <summary>Opens a journal; null when there is none or it is damaged: everything is then read again.</summary>
    public static JournalReader? Open(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            if (!File.Exists(path))
                return null;
            handle = File.OpenHandle(path, options: FileOptions.SequentialScan);
            if (Verify(handle) is not { } verified)
                return null;
            var (head, rowsEnd) = verified;
            var reader = new JournalReader(handle, head, rowsEnd);
            handle = null;
            return reader;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException or ArgumentException)
        {
            return null;
        }
        finally
        {
            handle?.Dispose();
        }
    }

    public bool MoveNext()
    {
        HasCurrent = false;
        if (_at == _filled && _position >= _rowsEnd)
            return false;
        Fill(4);
        var length = BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(_at));
        Fill(length);
        _row = _at;
        _at += length;
        return HasCurrent = true;
    }

    /// <summary>Back to before the first row.</summary>
    public void Rewind() => (_position, _at, _filled, _row, HasCurrent) = (4, 0, 0, 0, false);

    public void Dispose() => _handle.Dispose();

    private static (JournalHead Head, long RowsEnd)? Verify(SafeFileHandle handle)
    {
        var length = RandomAccess.GetLength(handle);
        if (length < 4 + JournalWriter.TrailerLength)
            return null;
        var hash = new XxHash128();
        var buffer = new byte[BufferLength];
        for (long position = 0; position < length - JournalWriter.ChecksumLength;)
        {
            var read = RandomAccess.Read(handle, buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - JournalWriter.ChecksumLength - position)), position);
            if (read == 0 || (position == 0 && (read < 4 || BinaryPrimitives.ReadUInt32LittleEndian(buffer) != JournalWriter.Magic)))
                return null;
            hash.Append(buffer.AsSpan(0, read));
            position += read;
        }

        var trailer = new byte[JournalWriter.TrailerLength];
        ReadExactly(handle, trailer, length - trailer.Length);
        if (!hash.GetCurrentHash().AsSpan().SequenceEqual(trailer.AsSpan(8)))
            return null;
        var headAt = BinaryPrimitives.ReadInt64LittleEndian(trailer);
        var head = new byte[length - trailer.Length - headAt];
        ReadExactly(handle, head, headAt);
        using var reader = new BinaryReader(new MemoryStream(head));
        return (JournalHead.Read(reader), headAt);
    }

    private static void ReadExactly(SafeFileHandle handle, Span<byte> into, long position)
    {
        while (!into.IsEmpty)
        {
            var read = RandomAccess.Read(handle, into, position);
            if (read == 0)
                throw new EndOfStreamException();
            into = into[read..];
            position += read;
        }
    }

    /// <summary>Makes so many bytes stand in the buffer from the current position on.</summary>
    private void Fill(int wanted)
    {
        if (_filled - _at >= wanted)
            return;
        _buffer.AsSpan(_at, _filled - _at).CopyTo(_buffer);
        (_filled, _at) = (_filled - _at, 0);
        if (wanted > _buffer.Length)
            Array.Resize(ref _buffer, wanted);
        var more = (int)Math.Min(_buffer.Length - _filled, _rowsEnd - _position);
        if (_filled + more < wanted)
            throw new InvalidDataException("the round journal is cut off");
        ReadExactly(_handle, _buffer.AsSpan(_filled, more), _position);
        _position += more;
        _filled += more;
    }
}
