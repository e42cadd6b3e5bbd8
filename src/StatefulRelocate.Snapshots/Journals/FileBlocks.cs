using System.Runtime.InteropServices;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Snapshots.Journals;

/// <summary>Where the ids of a chunk stand in the journal's chunk file, and their hash. Its bytes in memory are its bytes in the journal.</summary>
/// <param name="Number">The chunk's number in its file.</param>
/// <param name="Offset">Of its record.</param>
/// <param name="First">The first half of the digest.</param>
/// <param name="Second">The second half.</param>
internal readonly record struct ChunkRef(long Number, long Offset, UInt128 First, UInt128 Second)
{
    public const int Length = 48;

    public ChunkRef(long number, long offset, ReadOnlySpan<byte> digest)
        : this(number, offset, MemoryMarshal.Read<UInt128>(digest), MemoryMarshal.Read<UInt128>(digest[16..]))
    {
    }

    public void CopyDigest(Span<byte> into)
    {
        MemoryMarshal.Write(into, First);
        MemoryMarshal.Write(into[16..], Second);
    }
}

/// <summary>
/// The blocks of a file as a journal keeps them: those of a small file beside its entry, those of a larger one by reference to the chunk
/// file; chunks of zeros are not there.
/// </summary>
internal sealed class FileBlocks
{
    /// <summary>Files of up to so many blocks (128 KiB) are kept beside their entry.</summary>
    public const int InlineBlocks = 16;

    public static readonly FileBlocks None = new();

    /// <summary>Bytes in the file.</summary>
    public long Size { get; init; }

    public long Count => Blocks.Count(Size);

    public bool IsInline => Count <= InlineBlocks;

    /// <summary>Of a small file.</summary>
    public UInt128[] Ids { get; init; } = [];

    /// <summary>Of a small file, where the journal keeps fingerprints.</summary>
    public UInt128[] Fingerprints { get; init; } = [];

    /// <summary>Of a larger file, by number.</summary>
    public ChunkRef[] Chunks { get; init; } = [];

    /// <summary>Where the references lead.</summary>
    public ChunkFile? File { get; init; }

    /// <summary>The chunks that may be more than zeros.</summary>
    public IEnumerable<long> Numbers() => IsInline ? Count > 0 ? [0] : [] : Chunks.Select(c => c.Number);

    /// <summary>The reference to a chunk; null for zeros.</summary>
    public ChunkRef? Find(long number)
    {
        int low = 0, high = Chunks.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (Chunks[middle].Number == number)
                return Chunks[middle];
            if (Chunks[middle].Number < number)
                low = middle + 1;
            else
                high = middle - 1;
        }

        return null;
    }

    /// <summary>The ids (and fingerprints, if wanted) of a chunk into spans of its number of blocks; zeros where there is none. False when its record is damaged.</summary>
    public bool TryRead(long number, Span<UInt128> ids, Span<UInt128> fingerprints)
    {
        if (IsInline)
        {
            Ids.CopyTo(ids);
            if (!fingerprints.IsEmpty)
                Fingerprints.CopyTo(fingerprints);
            return Ids.Length == ids.Length;
        }

        if (Find(number) is not { } place)
        {
            ids.Clear();
            return fingerprints.IsEmpty;
        }

        return File!.TryRead(place.Offset, ids, fingerprints);
    }

    /// <summary>
    /// Whether ids that were read are those that the reference names. A machine that crashes may lose what was written to a record and keep the table: an older record then
    /// stands there, whole and in its place.
    /// </summary>
    public bool Names(KeyRing keys, long number, ReadOnlySpan<UInt128> ids)
    {
        if (IsInline || Find(number) is not { } place)
            return true;
        Span<byte> wanted = stackalloc byte[BlockChunk.DigestLength], found = stackalloc byte[BlockChunk.DigestLength];
        place.CopyDigest(wanted);
        BlockChunk.DigestOf(keys, ids, found);
        return found.SequenceEqual(wanted);
    }

    /// <summary>The map of all ids.</summary>
    /// <exception cref="JournalDamageException">A record of the chunk file is damaged.</exception>
    public BlockMap ToMap()
    {
        if (IsInline)
            return BlockMap.Of(Ids);
        var builder = new BlockMap.Builder(Count);
        foreach (var place in Chunks)
        {
            var ids = new UInt128[BlockMap.BlocksIn(Count, place.Number)];
            if (!TryRead(place.Number, ids, default))
                throw new JournalDamageException();
            builder.Set(place.Number, BlockChunk.Of(ids));
        }

        return builder.ToMap();
    }

    /// <summary>Number and hash of every chunk that is not zeros: what the entry's hash is computed over.</summary>
    public int WriteDigests(KeyRing keys, Span<byte> into)
    {
        if (IsInline)
        {
            if (!Ids.AsSpan().ContainsAnyExcept(default(UInt128)))
                return 0;
            MemoryMarshal.Write(into, 0L);
            BlockChunk.DigestOf(keys, Ids).CopyTo(into[8..]);
            return DigestLength;
        }

        var written = 0;
        foreach (var chunk in Chunks)
        {
            MemoryMarshal.Write(into[written..], chunk.Number);
            chunk.CopyDigest(into[(written + 8)..]);
            written += DigestLength;
        }

        return written;
    }

    /// <summary>Bytes that <see cref="WriteDigests"/> needs.</summary>
    public int DigestsLength => IsInline ? DigestLength : Chunks.Length * DigestLength;

    private const int DigestLength = 8 + BlockChunk.DigestLength;
}
