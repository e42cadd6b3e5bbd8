using System.Buffers;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace StatefulRelocate.Snapshots.Journals;

/// <summary>
/// The records of chunks that a journal's table refers to: ids, and on the source fingerprints, with a checksum. A record that the table
/// in force refers to is never changed: new ones go to space that it does not use, and become real when the next table takes its place.
/// So a round writes what changed and no more, and one that ends in the middle leaves nothing to be put right. Safe from several threads.
/// </summary>
internal sealed class ChunkFile : IDisposable
{
    private const int Granule = 512, HeaderLength = 16, MaxPadding = Granule;

    /// <summary>Records are written so many bytes at once: one by one, workers spent a sixth of a final round waiting for the file.</summary>
    private const int PendingLength = 1 << 20;
    private readonly SafeFileHandle _handle;
    private readonly bool _fingerprints;
    private readonly Lock _lock = new();
    private readonly Dictionary<int, Stack<long>> _free = [];
    private readonly List<(long Offset, int Capacity)> _released = [];
    private readonly Dictionary<long, Memory<byte>> _pending = [];
    private byte[] _buffer = [];
    private int _filled;
    private long _end;

    private ChunkFile(SafeFileHandle handle, bool fingerprints) => (_handle, _fingerprints) = (handle, fingerprints);

    /// <summary>Opens it, or makes it where it is missing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="fingerprints">Whether records hold fingerprints.</param>
    /// <param name="space">What the table in force says of its space; null without one: everything may be overwritten.</param>
    public static ChunkFile Open(string path, bool fingerprints, ChunkSpace? space)
    {
        using var made = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        var file = new ChunkFile(File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite), fingerprints);
        if (space is null)
        {
            made.SetLength(0);
            return file;
        }

        file._end = space.End;
        foreach (var (offset, capacity) in space.Free)
            file.FreeOf(capacity).Push(offset);
        return file;
    }

    /// <summary>Whether a file can be the one that a table speaks of.</summary>
    public static bool IsThere(string path, ChunkSpace space) => space.End == 0 || (new FileInfo(path) is { Exists: true } file && file.Length > space.End - MaxPadding);

    /// <summary>Writes a record, at the latest when <see cref="Space"/> is asked for; where.</summary>
    public long Write(ReadOnlySpan<UInt128> ids, ReadOnlySpan<UInt128> fingerprints)
    {
        var capacity = CapacityOf(ids.Length);
        lock (_lock)
        {
            if (!_free.TryGetValue(capacity, out var free) || !free.TryPop(out var offset))
                (offset, _end) = (_end, _end + capacity);
            if (_filled + capacity > _buffer.Length)
                Flush();
            if (_buffer.Length == 0)
                _buffer = new byte[PendingLength];
            var place = _buffer.AsMemory(_filled, capacity);
            var record = place.Span[..LengthOf(ids.Length)];
            MemoryMarshal.Write(record[8..], offset);
            MemoryMarshal.AsBytes(ids).CopyTo(record[HeaderLength..]);
            if (_fingerprints)
                MemoryMarshal.AsBytes(fingerprints).CopyTo(record[(HeaderLength + ids.Length * 16)..]);
            MemoryMarshal.Write(record, XxHash3.HashToUInt64(record[8..]));
            place.Span[record.Length..].Clear();
            _pending.Add(offset, place);
            _filled += capacity;
            return offset;
        }
    }

    /// <summary>Reads a record; false when it is damaged.</summary>
    public bool TryRead(long offset, Span<UInt128> ids, Span<UInt128> fingerprints)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(LengthOf(ids.Length));
        try
        {
            var record = buffer.AsSpan(0, LengthOf(ids.Length));
            if (!TryReadPending(offset, record) && !TryReadFile(offset, record))
                return false;
            if (MemoryMarshal.Read<ulong>(record) != XxHash3.HashToUInt64(record[8..]) || MemoryMarshal.Read<long>(record[8..]) != offset)
                return false;
            record.Slice(HeaderLength, ids.Length * 16).CopyTo(MemoryMarshal.AsBytes(ids));
            if (!fingerprints.IsEmpty)
                record[(HeaderLength + ids.Length * 16)..].CopyTo(MemoryMarshal.AsBytes(fingerprints));
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>A record that the next table does not refer to: its space is used from the round after that on.</summary>
    public void Release(long offset, int blocks)
    {
        lock (_lock)
            _released.Add((offset, CapacityOf(blocks)));
    }

    /// <summary>What the next table is to say of the space; when it returns, every record is in the file.</summary>
    public ChunkSpace Space()
    {
        lock (_lock)
        {
            Flush();
            return new ChunkSpace(_end, [.. _free.SelectMany(f => f.Value.Select(offset => (offset, f.Key))), .. _released]);
        }
    }

    public void Dispose() => _handle.Dispose();

    private bool TryReadPending(long offset, Span<byte> record)
    {
        lock (_lock)
        {
            if (!_pending.TryGetValue(offset, out var place) || place.Length < record.Length)
                return false;
            place.Span[..record.Length].CopyTo(record);
            return true;
        }
    }

    private bool TryReadFile(long offset, Span<byte> record)
    {
        for (var done = 0; done < record.Length;)
        {
            var read = RandomAccess.Read(_handle, record[done..], offset + done);
            if (read == 0)
                return false;
            done += read;
        }

        return true;
    }

    /// <summary>Writes what is pending, neighbours together.</summary>
    private void Flush()
    {
        var run = new List<ReadOnlyMemory<byte>>();
        long start = 0, end = 0;
        foreach (var (offset, place) in _pending.OrderBy(record => record.Key))
        {
            if (offset != end && run.Count > 0)
            {
                RandomAccess.Write(_handle, run, start);
                run.Clear();
            }

            if (run.Count == 0)
                start = offset;
            run.Add(place);
            end = offset + place.Length;
        }

        if (run.Count > 0)
            RandomAccess.Write(_handle, run, start);
        _pending.Clear();
        _filled = 0;
    }

    private int LengthOf(int blocks) => HeaderLength + blocks * (_fingerprints ? 32 : 16);

    private int CapacityOf(int blocks) => (LengthOf(blocks) + Granule - 1) / Granule * Granule;

    private Stack<long> FreeOf(int capacity) => _free.TryGetValue(capacity, out var free) ? free : _free[capacity] = new Stack<long>();
}

/// <summary>The space of a chunk file: its end, and what a table does not use.</summary>
internal sealed record ChunkSpace(long End, IReadOnlyList<(long Offset, int Capacity)> Free);
