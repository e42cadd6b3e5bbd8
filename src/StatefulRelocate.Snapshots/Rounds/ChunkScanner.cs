using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Packs;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>
/// Reads chunks of files, compares each block with the round before by its fingerprint, and hands new ones to the packs. One for each
/// worker.
/// </summary>
internal sealed class ChunkScanner : IDisposable
{
    private const int BlocksAtOnce = 32; // 256 KiB fits the second-level cache: measured fastest.
    private readonly RoundContext _round;
    private readonly SegmentBuilder _segment;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BlocksAtOnce * Blocks.Size, pinned: true);
    private readonly UInt128[] _ids = new UInt128[BlockMap.ChunkBlocks], _fingerprints = new UInt128[BlockMap.ChunkBlocks];
    private readonly UInt128[] _oldIds = new UInt128[BlockMap.ChunkBlocks], _oldFingerprints = new UInt128[BlockMap.ChunkBlocks];
    private readonly List<int> _changed = [];
    private readonly IncrementalHash _contentHash;
    private readonly UInt128 _zeroFingerprint;
    private int _oldCount;

    public ChunkScanner(RoundContext round)
    {
        _round = round;
        _segment = new SegmentBuilder(round.Packs, round.Request.CompressionLevel);
        _contentHash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, round.Repository.Keys.ContentKey);
        _zeroFingerprint = Blocks.Fingerprint(new byte[Blocks.Size], round.Seed);
    }

    /// <summary>What the round before knows of a chunk.</summary>
    private enum Old
    {
        /// <summary>Nothing.</summary>
        Unknown,

        /// <summary>Every block.</summary>
        Known,

        /// <summary>All zeros.</summary>
        Zeros,
    }

    /// <summary>Reads one chunk; its reference, or null for zeros. Of a small file ids and fingerprints go into the job.</summary>
    public async ValueTask<ChunkRef?> ScanAsync(FileJob job, long number, CancellationToken cancellationToken)
    {
        var count = BlockMap.BlocksIn(job.Count, number);
        var old = LoadOld(job.Known, number);
        var listed = old == Old.Unknown ? null : job.Ranged.ToRead;
        var first = number * BlockMap.ChunkBlocks;
        var different = old != Old.Known || _oldCount != count;
        long dataEnd = -1, data = -1;
        for (var block = 0; block < count;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var offset = (first + block) * Blocks.Size;
            var until = count;
            if (listed is not null)
            {
                // What no range names is as it was.
                var (from, to) = NextRange(listed, offset);
                var skipTo = (int)Math.Min(count, Math.Max(block, from / Blocks.Size - first));
                for (; block < skipTo; block++)
                    Carry(job, old, block, first);
                until = (int)Math.Min(count, Blocks.Count(to) - first);
                offset = (first + block) * Blocks.Size;
                if (block >= until)
                    continue;
            }

            // Small files are read at once: asking where their holes are costs as much.
            if (count <= BlocksAtOnce)
                (data, dataEnd) = (0, job.Size);
            if (offset >= dataEnd)
                (data, dataEnd) = job.Ranged.Content.NextData(offset, job.Size);

            // Whole blocks before the next data are zeros without being read.
            var hole = data >= job.Size ? until : (int)Math.Min(until, data / Blocks.Size - first);
            if (hole > block)
            {
                for (; block < hole; block++)
                    different |= Zero(job, old, block, first);
                continue;
            }

            var some = Math.Min(BlocksAtOnce, until - block);
            different |= await ReadAsync(job, old, first, block, some).ConfigureAwait(false);
            block += some;
        }

        return Finish(job, number, count, old, different);
    }

    public ValueTask FlushAsync() => _segment.FlushAsync();

    public void Dispose()
    {
        _contentHash.Dispose();
        _segment.Dispose();
    }

    private Old LoadOld(FileBlocks? known, long number)
    {
        _oldCount = known is null ? 0 : (int)Math.Clamp(known.Count - number * BlockMap.ChunkBlocks, 0, BlockMap.ChunkBlocks);
        if (_oldCount == 0)
            return Old.Unknown;
        if (!known!.IsInline && known.Find(number) is null)
            return Old.Zeros;
        var ids = _oldIds.AsSpan(0, _oldCount);
        return known.TryRead(number, ids, _oldFingerprints.AsSpan(0, _oldCount)) && (!_round.CompareAll || known.Names(_round.Repository.Keys, number, ids)) ? Old.Known : Old.Unknown;
    }

    private static (long From, long To) NextRange(IReadOnlyList<ChangedRanges.ByteRange> ranges, long offset)
    {
        int low = 0, high = ranges.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (ranges[middle].End <= offset)
                low = middle + 1;
            else
                high = middle;
        }

        return low < ranges.Count ? (ranges[low].Offset, ranges[low].End) : (long.MaxValue, long.MaxValue);
    }

    private void Carry(FileJob job, Old old, int block, long first)
    {
        var there = old == Old.Known && block < _oldCount;
        _ids[block] = there ? _oldIds[block] : default;
        _fingerprints[block] = there ? _oldFingerprints[block] : ZeroFingerprint(job, first + block);
    }

    private UInt128 OldId(Old old, int block) => old == Old.Known && block < _oldCount ? _oldIds[block] : default;

    private bool Zero(FileJob job, Old old, int block, long first)
    {
        _ids[block] = default;
        _fingerprints[block] = ZeroFingerprint(job, first + block);
        return OldId(old, block) != default && Differs(job, old, first + block);
    }

    private UInt128 ZeroFingerprint(FileJob job, long block)
    {
        var length = Blocks.Length(job.Size, block);
        return length == Blocks.Size ? _zeroFingerprint : Blocks.Fingerprint(new byte[length], _round.Seed);
    }

    private bool Differs(FileJob job, Old old, long block)
    {
        var length = Blocks.Length(job.Size, block);
        _round.Counters.Change(length);

        // Where nothing is known of the round before, as when its record is damaged, no list can be found wrong.
        if (old != Old.Unknown)
            job.Ranged.Changed(block * Blocks.Size, length);
        return true;
    }

    private async ValueTask<bool> ReadAsync(FileJob job, Old old, long first, int block, int count)
    {
        var offset = (first + block) * Blocks.Size;
        var wanted = (int)Math.Min((long)count * Blocks.Size, job.Size - offset);
        var read = job.Ranged.Content.Read(_buffer.AsSpan(0, wanted), offset);
        if (read < wanted)
        {
            job.Torn = true;
            _buffer.AsSpan(read, wanted - read).Clear();
        }

        _round.Counters.Scan(read);
        _changed.Clear();
        var different = false;
        for (var i = 0; i < count; i++)
        {
            var at = block + i;
            var content = Content(job, first, block, i).Span;
            var fingerprint = _fingerprints[at] = Blocks.Fingerprint(content, _round.Seed);
            if (old == Old.Known && at < _oldCount && _oldFingerprints[at] == fingerprint && Blocks.Length(job.Known!.Size, first + at) == content.Length)
                _ids[at] = _oldIds[at];
            else if (fingerprint == _zeroFingerprint && Blocks.IsZero(content))
                different |= Zero(job, old, at, first);
            else
                _changed.Add(i);
        }

        if (_changed.Count == 0)
            return different;
        await _round.Packs.IndexAsync().ConfigureAwait(false);
        foreach (var i in _changed)
        {
            var at = block + i;
            var content = Content(job, first, block, i);
            _ids[at] = Blocks.Identify(_contentHash, content.Span);
            if (_ids[at] != OldId(old, at))
                Differs(job, old, first + at);
            if (_round.Packs.Claim(_ids[at]))
                await _segment.AddAsync(_ids[at], content).ConfigureAwait(false);
        }

        return true;
    }

    private ReadOnlyMemory<byte> Content(FileJob job, long first, int block, int i)
        => _buffer.AsMemory(i * Blocks.Size, Blocks.Length(job.Size, first + block + i));

    private ChunkRef? Finish(FileJob job, long number, int count, Old old, bool different)
    {
        var ids = _ids.AsSpan(0, count);
        var fingerprints = _fingerprints.AsSpan(0, count);
        if (_round.Observer is { } observer)
            Observe(observer, job, number, count, old);
        if (job.IsInline)
        {
            job.Ids = ids.ToArray();
            job.Fingerprints = fingerprints.ToArray();
            return null;
        }

        if (!different && job.Known is { IsInline: false } known)
            return known.Find(number);
        if (!ids.ContainsAnyExcept(default(UInt128)))
            return null;
        Span<byte> digest = stackalloc byte[BlockChunk.DigestLength];
        BlockChunk.DigestOf(_round.Repository.Keys, ids, digest);
        return new ChunkRef(number, _round.Chunks?.Write(ids, fingerprints) ?? 0, digest);
    }

    private void Observe(Streaming.IRoundObserver observer, FileJob job, long number, int count, Old old)
    {
        for (var block = 0; block < count; block++)
        {
            if (_ids[block] == OldId(old, block))
                continue;
            var start = block;
            while (block < count && _ids[block] != OldId(old, block))
                block++;
            observer.BlocksRead(job.Key.Volume, job.Key.Path, job.Size, number * BlockMap.ChunkBlocks + start, _ids.AsSpan(start, block - start));
        }
    }
}
