using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>One file that is read in this round: by several workers at once where it is large. Whoever reads its last part finishes it.</summary>
internal sealed class FileJob : RoundItem
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private readonly List<ChunkRef> _chunks = [];
    private readonly List<FileJobPart> _parts = [];
    private int _open = 1;
    private volatile bool _torn;
    private volatile SystemCallException? _broken;

    public required EntryKey Key { get; init; }

    /// <summary>The file itself.</summary>
    public required OpenFile File { get; init; }

    /// <summary>What is read: the file, or a copy of it at one instant.</summary>
    public required RangedFile Ranged { get; init; }

    public required IChangedRanges Ranges { get; init; }

    /// <summary>From before the first byte was read.</summary>
    public required FileFacts Facts { get; init; }

    /// <summary>Of what is read.</summary>
    public required long Size { get; set; }

    /// <summary>When it was looked at, by the clock of time stamps.</summary>
    public required long SeenAt { get; init; }

    /// <summary>What the journal says of the name, whatever it was.</summary>
    public OldRow? Old { get; init; }

    /// <summary>The blocks of the round before, where the name was a file then.</summary>
    public FileBlocks? Known => Old is { Type: EntryType.File } ? Old.Blocks : null;

    /// <summary>Of a small file.</summary>
    public UInt128[] Ids { get; set; } = [];

    /// <summary>Of a small file.</summary>
    public UInt128[] Fingerprints { get; set; } = [];

    /// <summary>Of the last attempt, where the file was read again because it changed meanwhile.</summary>
    public (FileFacts Facts, long SeenAt)? Reread { get; set; }

    /// <summary>The error of one part.</summary>
    public SystemCallException? Broken
    {
        get => _broken;
        set => _broken = value;
    }

    /// <summary>Whether less was there than the file's size.</summary>
    public bool Torn
    {
        get => _torn;
        set => _torn = value;
    }

    public long Count => Blocks.Count(Size);

    public bool IsInline => Count <= FileBlocks.InlineBlocks;

    /// <summary>Set when it is done: the row for the journal; null when it is left out.</summary>
    public byte[]? Row { get; private set; }

    /// <summary>Its blocks, when it is done.</summary>
    public FileBlocks Content { get; private set; } = FileBlocks.None;

    /// <summary>Why it is left out.</summary>
    public string? LeftOut { get; private set; }

    /// <summary>Ends when it was read, and with the error of the round where there is one.</summary>
    public Task Done => _done.Task;

    public void Add(ChunkRef chunk)
    {
        lock (_lock)
            _chunks.Add(chunk);
    }

    /// <summary>A part that is not the last one will be handed out.</summary>
    public void Begin() => Interlocked.Increment(ref _open);

    /// <summary>A part that somebody is about to read.</summary>
    public void HandOut(FileJobPart part) => _parts.Add(part);

    /// <summary>Whether a chunk was handed out to be read; asked when all were.</summary>
    public bool WasRead(long chunk)
    {
        int low = 0, high = _parts.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (_parts[middle].FirstChunk > chunk)
                high = middle - 1;
            else if (_parts[middle].FirstChunk + _parts[middle].Chunks <= chunk)
                low = middle + 1;
            else
                return true;
        }

        return false;
    }

    /// <summary>A part was read; true for the last to be so.</summary>
    public bool End() => Interlocked.Decrement(ref _open) == 0;

    /// <summary>The chunks read, in order.</summary>
    public ChunkRef[] TakeChunks()
    {
        lock (_lock)
        {
            var chunks = _chunks.ToArray();
            _chunks.Clear();
            Array.Sort(chunks, (a, b) => a.Number.CompareTo(b.Number));
            return chunks;
        }
    }

    public void Complete(byte[] row, FileBlocks blocks)
    {
        (Row, Content) = (row, blocks);
        Close();
        _done.TrySetResult();
    }

    public void LeaveOut(string why)
    {
        LeftOut = why;
        Close();
        _done.TrySetResult();
    }

    public void Fail(Exception error)
    {
        Close();
        _done.TrySetException(error);
        _ = _done.Task.Exception;
    }

    public void Close()
    {
        Ranged.Dispose();
        File.Dispose();
    }
}

/// <summary>Neighbouring chunks of a file, read by one worker.</summary>
internal readonly record struct FileJobPart(long FirstChunk, int Chunks);
