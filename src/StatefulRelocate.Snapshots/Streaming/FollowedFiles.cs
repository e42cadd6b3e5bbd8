using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Restoring;

namespace StatefulRelocate.Snapshots.Streaming;

/// <summary>
/// The files of the target that are written ahead of the manifest, and what they hold. A file is touched only where it is certain what
/// it holds: it is as the journal says, or it was not there. Nothing is written through a link or to a file with another name.
/// </summary>
internal sealed class FollowedFiles
{
    /// <summary>What is remembered stays below some 64 MiB; what is more waits for the manifest.</summary>
    private const int MaxFiles = 64 * 1024;
    private const long MaxBlocks = 2 << 20;

    /// <summary>The id of no content: of a block of which it is not known what it holds.</summary>
    private static readonly UInt128 s_unknown = UInt128.MaxValue;
    private readonly TargetTree _tree;
    private readonly Func<EntryKey, TargetRow?> _known;
    private readonly Action _beforeFirstChange;
    private readonly Dictionary<EntryKey, State?> _states = [];
    private long _blocks;
    private bool _changing;

    public FollowedFiles(TargetTree tree, Func<EntryKey, TargetRow?> known, Action beforeFirstChange)
        => (_tree, _known, _beforeFirstChange) = (tree, known, beforeFirstChange);

    public bool IsFull => _states.Count >= MaxFiles || _blocks >= MaxBlocks;

    /// <summary>Opens a file to be written ahead; null where that is not to be done.</summary>
    public FollowedHandle? Open(EntryKey key, long size)
    {
        if (_states.TryGetValue(key, out var state) && state is null)
            return null;
        OpenFile? file = null;
        try
        {
            using var directory = Directory(key, make: state is null);
            var name = PathText.Name(key.Path);
            state ??= Begin(key, directory, name);
            if (state is not null)
                file = directory.OpenAt(name, Posix.ReadWrite | Posix.NonBlocking);
            if (state is null || file!.Facts() is not { Type: EntryType.File } facts || facts.Identity != state.Identity)
            {
                // Somebody else was here, or it never was ours to write.
                _states[key] = null;
                file?.Dispose();
                return null;
            }

            Change();
            _states[key] = state;
            if (state.Map.Count != Blocks.Count(size) || facts.Size != size)
                Resize(file, state, facts.Size, size);
            return new FollowedHandle(file, state, size);
        }
        catch (SystemCallException)
        {
            // A hint that does not fit is none.
            file?.Dispose();
            _states[key] = null;
            return null;
        }
    }

    /// <summary>What is known of a file that was written ahead and not touched since.</summary>
    public FollowedFile? Find(EntryKey key, FileFacts facts)
        => _states.TryGetValue(key, out var state) && state is not null && state.Identity == facts.Identity
            ? new FollowedFile(state.Map, [.. state.Written.Chunk(BlockMap.ChunkBlocks).Select(blocks => new WrittenBlocks(0, 0, blocks))]) : null;

    private State? Begin(EntryKey key, OpenDirectory directory, string name)
    {
        if (directory.FactsAt(name) is { } found)
        {
            // One that needs its mode changed first is left for later.
            return found.Type == EntryType.File && _known(key) is { Entry.Type: EntryType.File } known && known.Entry.Identity == found.Identity
                ? new State { Map = known.WholeMap(), Identity = found.Identity } : null;
        }

        Change();
        using var made = directory.OpenAt(name, Posix.ReadWrite | Posix.Create | Posix.Exclusive, 0x180);
        return new State { Map = BlockMap.Empty, Identity = made.Facts().Identity };
    }

    private void Resize(OpenFile file, State state, long from, long size)
    {
        var before = state.Map.Count;
        file.SetLength(size);
        var map = new BlockMap.Builder(Blocks.Count(size), state.Map);

        // A block that is cut holds less than its id names, also when the file grows again: it must be written again, whatever it is to be.
        var cut = size / Blocks.Size;
        if (size < from && cut < Blocks.Count(size) && map.Chunk(cut / BlockMap.ChunkBlocks) is { } chunk && chunk.Ids[cut % BlockMap.ChunkBlocks] != default)
        {
            UInt128[] ids = [.. chunk.Ids];
            ids[cut % BlockMap.ChunkBlocks] = s_unknown;
            map.Set(cut / BlockMap.ChunkBlocks, BlockChunk.Of(ids));
        }

        state.Map = map.ToMap();
        state.Written.RemoveWhere(b => b >= state.Map.Count);
        _blocks += state.Map.Count - before;
    }

    private void Change()
    {
        if (!_changing)
            _beforeFirstChange();
        _changing = true;
    }

    /// <summary>The directory that a name lies in, reached without following links; those that are missing are made, closed to others.</summary>
    private OpenDirectory Directory(EntryKey key, bool make)
    {
        var directory = _tree.Roots[key.Volume].OpenDirectoryAt(".");
        var parent = PathText.Parent(key.Path);
        foreach (var name in parent.Length == 0 ? [] : parent.Split('/'))
        {
            using var above = directory;
            if (make && above.FactsAt(name) is null)
            {
                Change();
                above.MakeDirectory(name);
            }

            directory = above.OpenDirectoryAt(name);
        }

        return directory;
    }

    internal sealed class State
    {
        public required BlockMap Map { get; set; }

        public StatIdentity Identity { get; set; }

        public SortedSet<long> Written { get; } = [];
    }
}

/// <summary>A file open for being written ahead; disposing of it notes what it then is.</summary>
internal sealed class FollowedHandle : IDisposable
{
    private readonly OpenFile _file;
    private readonly FollowedFiles.State _state;
    private readonly BlockMap.Builder _map;

    public FollowedHandle(OpenFile file, FollowedFiles.State state, long size)
    {
        (_file, _state, Size) = (file, state, size);
        _map = new BlockMap.Builder(state.Map.Count, state.Map);
    }

    public long Size { get; }

    public bool Holds(long block, UInt128 id) => _map.ToMap()[block] == id;

    /// <summary>Writes a block; an empty content is zeros.</summary>
    public void Write(long block, UInt128 id, ReadOnlySpan<byte> content)
    {
        // Noted before it is written: should that fail in the middle, the block is read back and compared all the more.
        _state.Written.Add(block);
        var number = block / BlockMap.ChunkBlocks;
        var ids = new UInt128[BlockMap.BlocksIn(_state.Map.Count, number)];
        _map.Chunk(number)?.Ids.CopyTo(ids, 0);
        ids[block % BlockMap.ChunkBlocks] = id;
        _map.Set(number, BlockChunk.Of(ids));
        if (content.IsEmpty)
            _file.PunchHole(block * Blocks.Size, Blocks.Length(Size, block));
        else
            _file.Write(content, block * Blocks.Size);
    }

    public void Dispose()
    {
        // A time that no write gives a file: whoever writes to it from now on moves it, however coarse the clock is.
        _ = HandleMetadata.SetModified(_file, 1, 1);
        _state.Map = _map.ToMap();
        _state.Identity = _file.Facts().Identity;
        _file.Dispose();
    }
}
