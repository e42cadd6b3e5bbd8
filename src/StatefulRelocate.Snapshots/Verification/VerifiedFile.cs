using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Restoring;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>A file of the target that is read in several parts, by several threads; its row is complete when the last is read.</summary>
internal sealed class VerifiedFile
{
    private readonly OpenFile _file;
    private readonly TreeEntry _entry;
    private readonly BlockMap.Builder _map;
    private readonly Row _row;
    private readonly RowSequencer _rows;
    private readonly Lock _lock = new();
    private int _left = 1;

    public VerifiedFile(OpenFile file, TreeEntry entry, Row row, RowSequencer rows)
    {
        (_file, _entry, _row, _rows) = (file, entry, row, rows);
        _map = new BlockMap.Builder(Blocks.Count(entry.Size));
    }

    /// <summary>The chunks that hold data.</summary>
    public IEnumerable<long> Chunks()
    {
        var chunks = BlockMap.ChunksOf(Blocks.Count(_entry.Size));
        for (long number = 0; number < chunks; number++)
        {
            // A file of one chunk is read without asking where its holes are.
            if (chunks > 1)
            {
                var (data, _) = _file.NextData(number * BlockMap.ChunkLength, _entry.Size);
                if (data >= _entry.Size)
                    yield break;
                number = Math.Max(number, data / BlockMap.ChunkLength);
            }

            yield return number;
        }
    }

    public void Begin() => Interlocked.Increment(ref _left);

    public void Read(long number, FileReader reader)
    {
        var ids = new UInt128[BlockMap.BlocksIn(Blocks.Count(_entry.Size), number)];
        reader.ReadChunk(_file, _entry.Size, number, ids);
        lock (_lock)
            _map.Set(number, BlockChunk.Of(ids));
    }

    /// <summary>A part is read, or no more will come.</summary>
    public void End(KeyRing keys)
    {
        if (Interlocked.Decrement(ref _left) > 0)
            return;
        _file.Dispose();
        _rows.Complete(_row, ActualEntry.WithDigest(keys, _entry, _map.ToMap()));
    }
}
