using StatefulRelocate.Snapshots.Keys;
using ZstdNet;

namespace StatefulRelocate.Snapshots.Packs;

/// <summary>Unpacks what a segment holds, and nothing that is longer or shorter than its pack's table says.</summary>
internal static class SegmentDecompression
{
    /// <summary>Fills the whole of <paramref name="plain"/>.</summary>
    /// <exception cref="DamageException">It is no zstd frame of that length.</exception>
    public static void Unwrap(this Decompressor decompressor, string pack, int number, ReadOnlySpan<byte> content, Span<byte> plain)
    {
        try
        {
            if (decompressor.Unwrap(content, plain) == plain.Length)
                return;
        }
        catch (ZstdException error)
        {
            throw new DamageException(pack, $"segment {number} cannot be decompressed", error);
        }

        throw new DamageException(pack, $"segment {number} has a wrong length");
    }
}
