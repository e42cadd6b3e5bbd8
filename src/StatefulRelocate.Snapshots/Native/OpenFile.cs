using System.Text;

namespace StatefulRelocate.Snapshots.Native;

/// <summary>A file descriptor. Names are byte strings, held as Latin-1 text so that invalid UTF-8 survives.</summary>
internal sealed unsafe class OpenFile : IDisposable
{
    private int _descriptor;
    private volatile DataStretch? _data;

    public OpenFile(int descriptor, string shown, DeviceAlias? alias = null) => (_descriptor, Shown, Alias) = (descriptor, shown, alias);

    ~OpenFile() => Release();

    /// <summary>The path for messages.</summary>
    public string Shown { get; }

    /// <summary>What the file's device number is shown as, where it is read from a snapshot of the tree.</summary>
    public DeviceAlias? Alias { get; }

    public bool IsOpen => Volatile.Read(ref _descriptor) >= 0;

    public int Descriptor => _descriptor >= 0 ? _descriptor : throw new ObjectDisposedException(Shown);

    public FileFacts Facts()
    {
        RawStatx raw = default;
        byte empty = 0;
        if (Posix.Statx(Descriptor, &empty, Posix.AtEmptyPath, 0x7FF, &raw) != 0)
            throw SystemCallException.Last("stat", Shown);
        return FileFacts.From(raw, Alias);
    }

    /// <summary>Reads up to the buffer's length; less only at the end of the file.</summary>
    public int Read(Span<byte> buffer, long offset)
    {
        var done = 0;
        fixed (byte* pointer = buffer)
        {
            while (done < buffer.Length)
            {
                var read = Posix.ReadAt(Descriptor, pointer + done, (nuint)(buffer.Length - done), offset + done);
                if (read < 0)
                    throw SystemCallException.Last("read", Shown);
                if (read == 0)
                    break;
                done += (int)read;
            }
        }

        GC.KeepAlive(this);
        return done;
    }

    public void Write(ReadOnlySpan<byte> buffer, long offset)
    {
        var done = 0;
        fixed (byte* pointer = buffer)
        {
            while (done < buffer.Length)
            {
                var written = Posix.WriteAt(Descriptor, pointer + done, (nuint)(buffer.Length - done), offset + done);
                if (written <= 0)
                    throw SystemCallException.Last("write", Shown);
                done += (int)written;
            }
        }

        GC.KeepAlive(this);
    }

    /// <summary>Makes a range read as zeros and gives its space back where the file system can.</summary>
    public void PunchHole(long offset, long length)
    {
        const int keepSizeAndPunch = 3;
        if (Posix.Allocate(Descriptor, keepSizeAndPunch, offset, length) == 0)
        {
            _data = null;
            return;
        }

        if (Posix.LastError != Posix.Unsupported)
            throw SystemCallException.Last("punch a hole into", Shown);
        Span<byte> zeros = stackalloc byte[8192];
        zeros.Clear();
        for (long done = 0; done < length; done += zeros.Length)
            Write(zeros[..(int)Math.Min(zeros.Length, length - done)], offset + done);
    }

    public void SetLength(long length)
    {
        if (Posix.Truncate(Descriptor, length) != 0)
            throw SystemCallException.Last("truncate", Shown);
        _data = null;
    }

    /// <summary>
    /// The next data at or after an offset. To find the hole behind it the file system goes over all extents in between, for one thread at a time, so what was found is remembered:
    /// a hole that somebody makes meanwhile reads as zeros. Holes are not remembered: they may be filled meanwhile.
    /// </summary>
    /// <param name="offset">Where to begin.</param>
    /// <param name="size">The file's size.</param>
    /// <returns>Where the data begins, and where the hole behind it does; the size for both where only holes follow.</returns>
    public (long Start, long End) NextData(long offset, long size)
    {
        if (_data is { } known && known.Start <= offset && offset < known.End)
            return (offset, known.End);
        var start = Posix.Seek(Descriptor, offset, Posix.SeekData);
        if (start < 0)
            start = Posix.LastError == Posix.NoSuchAddress ? size : offset;
        if (start >= size)
            return (size, size);
        var end = Posix.Seek(Descriptor, start, Posix.SeekHole);
        var found = _data = new DataStretch(start, end >= 0 ? end : size);
        return (found.Start, found.End);
    }

    /// <summary>Begins to read a range into the page cache, without waiting; a file system that cannot is no error.</summary>
    public void Prefetch(long offset, long length)
    {
        const int willNeed = 3;
        _ = Posix.Advise(Descriptor, offset, length, willNeed);
    }

    /// <summary>Gives up what the page cache holds of the file.</summary>
    public void DropCache()
    {
        const int doNotNeed = 4;
        _ = Posix.Advise(Descriptor, 0, 0, doNotNeed);
    }

    public void Sync()
    {
        if (Posix.Sync(Descriptor) != 0)
            throw SystemCallException.Last("fsync", Shown);
    }

    /// <summary>Lets the kernel begin to write a range to disk, so that less is left for the sync at the end; only a hint.</summary>
    public void BeginWriteback(long offset, long length)
    {
        const uint write = 2;
        _ = Posix.SyncRange(Descriptor, offset, length, write);
    }

    public void SyncFileSystem()
    {
        if (Posix.SyncFileSystem(Descriptor) != 0)
            throw SystemCallException.Last("syncfs", Shown);
    }

    /// <summary>The path of what is open, whatever names it has now.</summary>
    public byte[] ProcPath(string? name = null) => Encoding.Latin1.GetBytes(name is null ? $"/proc/self/fd/{Descriptor}\0" : $"/proc/self/fd/{Descriptor}/{name}\0");

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
            _ = Posix.Close(descriptor);
    }

    private sealed record DataStretch(long Start, long End);
}

/// <summary>A system call failed.</summary>
internal sealed class SystemCallException : IOException
{
    public SystemCallException(string action, string path, int error)
        : base($"{path}: cannot {action}: {Posix.Describe(error)}") => Error = error;

    public int Error { get; }

    public bool IsGone => Error is Posix.NotFound or Posix.NotDirectory or Posix.TooManyLinks;

    public bool IsDenied => Error is Posix.AccessDenied or Posix.NotPermitted;

    public static SystemCallException Last(string action, string path) => new(action, path, Posix.LastError);
}
