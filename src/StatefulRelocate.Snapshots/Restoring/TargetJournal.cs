using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>Writes what the target is at: a row for each entry, in path order, and records of the chunks that changed.</summary>
internal sealed class TargetJournal : IDisposable
{
    private readonly JournalDirectory _directory;
    private readonly KeyRing _keys;
    private readonly RowBuilder _rows;
    private readonly JournalWriter _table;
    private readonly ChunkFile _chunks;
    private readonly bool _ownsChunks;

    public TargetJournal(TargetState state, KeyRing keys)
    {
        (_directory, _keys, _rows) = (state.Directory, keys, new RowBuilder(keys));
        _ownsChunks = state.Chunks is null;
        if (state.Chunks is null)
        {
            // Before its records are overwritten: nobody must find a table whose records are not its own.
            File.Delete(_directory.TargetJournal);
        }

        _chunks = state.Chunks ?? ChunkFile.Open(_directory.TargetChunks, fingerprints: false, null);
        _table = new JournalWriter(_directory.TargetJournal);
    }

    /// <summary>The next row.</summary>
    public void Add(Row row)
    {
        var (entry, old) = (row.Entry!, row.Old);
        if (ReferenceEquals(entry, old?.Entry))
        {
            _table.Add(old.Bytes);
            return;
        }

        var before = old?.Stored ?? FileBlocks.None;
        var blocks = entry.Type == EntryType.File ? Store(entry, before) : FileBlocks.None;
        Release(before, blocks);
        _table.Add(_rows.Build(entry, blocks));
    }

    /// <summary>A row of the journal before that has none in this one.</summary>
    public void Release(FileBlocks old, FileBlocks? now = null)
    {
        foreach (var chunk in old.Chunks)
        {
            if (now?.Find(chunk.Number)?.Offset != chunk.Offset)
                _chunks.Release(chunk.Offset, BlockMap.BlocksIn(old.Count, chunk.Number));
        }
    }

    /// <summary>Puts it in force, and takes the mark away that says the target is being changed.</summary>
    public void Commit(string repositoryId, SnapshotManifest manifest)
    {
        _table.Commit(new JournalHead
        {
            RepositoryId = repositoryId,
            BootId = KernelClock.BootId(),
            SnapshotId = manifest.Id,
            StartedAt = manifest.CreatedAt,
            Volumes = manifest.Volumes,
            Layers = manifest.Layers,
            Space = _chunks.Space(),
        });
        File.Delete(_directory.DirtyMark);
    }

    public void Dispose()
    {
        _rows.Dispose();
        _table.Dispose();
        if (_ownsChunks)
            _chunks.Dispose();
    }

    private FileBlocks Store(TreeEntry entry, FileBlocks before)
    {
        var count = entry.Blocks.Count;
        if (count <= FileBlocks.InlineBlocks)
            return new FileBlocks { Size = entry.Size, Ids = count == 0 ? [] : entry.Blocks.Chunk(0)?.Ids ?? new UInt128[count] };
        var chunks = new List<ChunkRef>();
        Span<byte> digest = stackalloc byte[BlockChunk.DigestLength];
        foreach (var (number, chunk) in entry.Blocks.Stored())
        {
            if (before.Find(number) is { } same && BlockMap.BlocksIn(before.Count, number) == chunk.Count)
            {
                same.CopyDigest(digest);
                if (digest.SequenceEqual(chunk.Digest(_keys)))
                {
                    chunks.Add(same);
                    continue;
                }
            }

            chunks.Add(new ChunkRef(number, _chunks.Write(chunk.Ids, default), chunk.Digest(_keys)));
        }

        return new FileBlocks { Size = entry.Size, Chunks = [.. chunks], File = _chunks };
    }
}
