using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>What is to be done with a part of a file.</summary>
internal enum PieceKind
{
    /// <summary>Nothing but the file itself and its metadata.</summary>
    None,

    /// <summary>All blocks of a chunk of a file that was just made.</summary>
    Fill,

    /// <summary>The blocks of a chunk that are not what they should be; what is there is read.</summary>
    Compare,

    /// <summary>Zeros in some neighbouring chunks, whatever is there.</summary>
    Clear,

    /// <summary>The blocks listed.</summary>
    Patch,
}

/// <summary>A part of a file: from a chunk, or some blocks in ascending order.</summary>
internal readonly record struct Piece(PieceKind Kind, FileJob Job, long Chunk = 0, long Chunks = 1, long[]? Blocks = null);

/// <summary>Parts of files that lie near each other in path order, so that their blocks lie near each other in the packs.</summary>
internal sealed class Batch
{
    public List<Piece> Pieces { get; } = [];

    /// <summary>Bytes that may have to be written.</summary>
    public long Weight { get; private set; }

    public void Add(Piece piece, long weight)
    {
        Pieces.Add(piece);
        Weight += weight;
    }
}

/// <summary>What one thread works with.</summary>
internal sealed class ContentBuffers : IDisposable
{
    public ContentBuffers(Repository repository, PackSalts salts) => (Fetcher, Reader) = (new SegmentFetcher(repository, salts), new FileReader(repository.Keys));

    public SegmentFetcher Fetcher { get; }

    public FileReader Reader { get; }

    public List<BlockWrite> Writes { get; } = [];

    public UInt128[] Ids { get; } = new UInt128[BlockMap.ChunkBlocks];

    public void Dispose()
    {
        Fetcher.Dispose();
        Reader.Dispose();
    }
}
