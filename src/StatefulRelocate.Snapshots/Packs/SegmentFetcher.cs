using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Numerics;
using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Storage;
using ZstdNet;

namespace StatefulRelocate.Snapshots.Packs;

/// <summary>Is given the blocks of a segment, one after another; they are gone when it returns.</summary>
internal delegate void SegmentContent(int number, ReadOnlySpan<byte> content);

/// <summary>What every pack's key is derived with; read once for each pack.</summary>
internal sealed class PackSalts
{
    public ConcurrentDictionary<string, byte[]> Known { get; } = new(StringComparer.Ordinal);
}

/// <summary>Reads many segments of a pack by few ranged reads: neighbours come together. Used by one thread, which waits for the store.</summary>
internal sealed class SegmentFetcher : IDisposable
{
    /// <summary>Bytes that are asked for at once: what one worker put side by side, with its tags. And the distance across which two segments are still read together.</summary>
    public const int MaxRange = PackWriter.MostSegmentsTogether * (PackWriter.SegmentLength + KeyRing.TagLength), MaxGap = 256 << 10;

    /// <summary>A range that begins so near to the pack's header is read from there.</summary>
    public const int HeaderNear = 512 << 10;
    private readonly Repository _repository;
    private readonly PackSalts _salts;
    private readonly Decompressor _decompressor = new();
    private byte[] _stored = [], _plain = [];

    public SegmentFetcher(Repository repository, PackSalts salts) => (_repository, _salts) = (repository, salts);

    /// <param name="pack">The pack.</param>
    /// <param name="numbers">The segments, ascending.</param>
    /// <param name="content">Is given each of them, in that order.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DamageException">The pack is missing or not what was written.</exception>
    public void Fetch(PackTable pack, ReadOnlySpan<int> numbers, SegmentContent content, CancellationToken cancellationToken)
    {
        while (numbers.Length > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var first = pack.Segments[numbers[0]];
            var (start, end, count) = (first.Offset, first.Offset + first.StoredLength, 1);
            for (; count < numbers.Length; count++)
            {
                var next = pack.Segments[numbers[count]];
                if (next.Offset < end || next.Offset - end > MaxGap || next.Offset + next.StoredLength - start > MaxRange)
                    break;
                end = next.Offset + next.StoredLength;
            }

            FetchRange(pack, start, end, numbers[..count], content, cancellationToken);
            numbers = numbers[count..];
        }
    }

    public void Dispose() => _decompressor.Dispose();

    private void FetchRange(PackTable pack, long start, long end, ReadOnlySpan<int> numbers, SegmentContent content, CancellationToken cancellationToken)
    {
        // The header is read along where it is near, else at the same time.
        var known = _salts.Known.TryGetValue(pack.Name, out var salt);
        var header = known || start <= HeaderNear ? null : ReadAsync(pack.Name, 0, new byte[KeyRing.HeaderLength], cancellationToken);
        var from = known || header is not null ? start : 0;
        var length = (int)(end - from);
        if (_stored.Length < length)
            _stored = GC.AllocateUninitializedArray<byte>(Math.Max(length, Math.Min(MaxRange + HeaderNear, (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(length, 1 << 20)))));
        var reading = ReadAsync(pack.Name, from, _stored.AsMemory(0, length), cancellationToken);
        if (!known)
        {
            var bytes = header?.GetAwaiter().GetResult();
            var read = reading.GetAwaiter().GetResult();
            salt = Salt(pack.Name, (bytes ?? read).Span);
            _salts.Known[pack.Name] = salt;
        }

        reading.GetAwaiter().GetResult();
        using var cipher = _repository.Keys.Cipher("pack", pack.Name, salt);
        var bind = KeyRing.Bind("pack", pack.Name);
        foreach (var number in numbers)
        {
            var segment = pack.Segments[number];
            if (segment.StoredLength < KeyRing.TagLength)
                throw new DamageException(pack.Name, $"segment {number} has a wrong length");
            content(number, Open(pack.Name, cipher, bind, number, segment, _stored.AsSpan((int)(segment.Offset - from), segment.StoredLength)));
        }
    }

    private static byte[] Salt(string name, ReadOnlySpan<byte> header)
        => header[..4].SequenceEqual(PackWriter.Magic) ? header[4..KeyRing.HeaderLength].ToArray() : throw new DamageException(name, "it is no pack");

    private ReadOnlySpan<byte> Open(string name, AesGcm cipher, byte[] bind, int number, PackSegment segment, Span<byte> stored)
    {
        Span<byte> nonce = stackalloc byte[12];
        nonce.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(nonce, number);
        var content = stored[..^KeyRing.TagLength];
        try
        {
            cipher.Decrypt(nonce, content, stored[^KeyRing.TagLength..], content, bind);
        }
        catch (AuthenticationTagMismatchException error)
        {
            throw new DamageException(name, $"segment {number} does not authenticate: it was changed, or put in another's place", error);
        }

        if (!segment.Compressed)
            return content.Length == segment.PlainLength ? content : throw new DamageException(name, $"segment {number} has a wrong length");
        if (_plain.Length < segment.PlainLength)
            _plain = new byte[Math.Max(segment.PlainLength, PackWriter.SegmentLength)];
        var plain = _plain.AsSpan(0, segment.PlainLength);
        _decompressor.Unwrap(name, number, content, plain);
        return plain;
    }

    private async Task<ReadOnlyMemory<byte>> ReadAsync(string name, long offset, Memory<byte> into, CancellationToken cancellationToken)
    {
        try
        {
            await _repository.Store.GetRangeAsync(name, offset, into, cancellationToken).ConfigureAwait(false);
            return into;
        }
        catch (ObjectStoreException)
        {
            // Looked at only now: in the usual case this spares a request.
            var head = await _repository.Store.HeadAsync(name, cancellationToken).ConfigureAwait(false);
            if (head is null)
                throw new DamageException(name, "it is missing");
            if (head.Size < offset + into.Length)
                throw new DamageException(name, "it is truncated");
            throw;
        }
    }
}
