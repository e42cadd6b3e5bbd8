using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>Blocks of a file that were written, and are read back: all of some neighbouring chunks, or those listed.</summary>
internal readonly record struct WrittenBlocks(long FirstChunk, long Chunks, long[]? Blocks)
{
    /// <summary>Bytes, about.</summary>
    public long Length => Blocks is null ? Chunks * BlockMap.ChunkLength : Blocks.Length * (BlockMap.ChunkLength / BlockMap.ChunkBlocks);
}

/// <summary>A file that is made or changed: cut into pieces that several threads work on, done when all of them are.</summary>
internal sealed class FileJob : IDisposable
{
    private const uint OwnerReadWrite = 0x180, Permissions = 0x1FF;
    private readonly Lock _lock = new();
    private readonly List<WrittenBlocks> _written = [];
    private int _left = 1;
    private OpenFile? _file;

    /// <summary>Where it lies; kept open until the file is done.</summary>
    public required TargetDirectory Directory { get; init; }

    public required string Name { get; init; }

    public required TreeEntry Entry { get; init; }

    public required Row Row { get; init; }

    /// <summary>What was found under its name and is kept; null when it is made.</summary>
    public FileFacts? Found { get; init; }

    public IReadOnlyList<WrittenBlocks> Written => _written;

    /// <summary>One more piece of it is under way, beside the one that it begins with.</summary>
    public void Begin() => Interlocked.Increment(ref _left);

    /// <summary>A piece is done, or no more will come; whether that was the last.</summary>
    public bool End() => Interlocked.Decrement(ref _left) == 0;

    public void AddWritten(WrittenBlocks written)
    {
        lock (_lock)
            _written.Add(written);
    }

    /// <summary>The file, made or opened when first asked for, with the size that it is to have if it had another.</summary>
    public OpenFile Open()
    {
        lock (_lock)
            return _file ??= Found is { } found ? Keep(found) : Directory.Handle.OpenAt(Name, Posix.ReadWrite | Posix.Create | Posix.Exclusive, FirstMode);
    }

    public void Dispose() => _file?.Dispose();

    /// <summary>
    /// What the file is made with: the mode that it is to have, if owner and group are at once those that it is to have and no access list says otherwise, because to set it afterwards
    /// costs a tenth of a small file. Else nobody but its owner may open it before it is done.
    /// </summary>
    private uint FirstMode
        => Entry.Attributes.IsEmpty && Entry.User == Posix.EffectiveUser() && Entry.Group == Posix.EffectiveGroup() && !Directory.GivesGroup && !Directory.Inherits
            ? (Entry.Mode & Permissions) | OwnerReadWrite : OwnerReadWrite;

    private OpenFile Keep(FileFacts found)
    {
        OpenFile file;
        try
        {
            file = Directory.Handle.OpenAt(Name, Posix.ReadWrite | Posix.NonBlocking);
        }
        catch (SystemCallException error) when (error.IsDenied)
        {
            using (var handle = Directory.Handle.OpenAt(Name, Posix.PathOnly))
                _ = FileMetadata.SetMode(handle.ProcPath(), handle.Facts().Mode | OwnerReadWrite);
            file = Directory.Handle.OpenAt(Name, Posix.ReadWrite | Posix.NonBlocking);
        }

        // Whatever was swapped in since the name was looked at, or got another name elsewhere, is not written.
        var facts = file.Facts();
        if (facts.Type != EntryType.File || facts.Identity.Inode != found.Identity.Inode || facts.Identity.Device != found.Identity.Device || facts.Links > found.Links)
        {
            file.Dispose();
            throw new SystemCallException("write (something else puts files here)", Directory.Handle.Show(Name), Posix.Exists);
        }

        if (facts.Size != Entry.Size)
            file.SetLength(Entry.Size);
        return file;
    }
}
