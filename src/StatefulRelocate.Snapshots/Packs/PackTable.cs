using System.Runtime.InteropServices;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Snapshots.Packs;

/// <summary>Several blocks compressed and encrypted together.</summary>
/// <param name="Offset">In the pack.</param>
/// <param name="StoredLength">With the tag.</param>
/// <param name="PlainLength">Of the blocks together; equal to the stored length without tag when it is not compressed.</param>
/// <param name="Compressed">Whether it is.</param>
/// <param name="Ids">The blocks' content ids, in order.</param>
/// <param name="Lengths">Their lengths.</param>
internal sealed record PackSegment(long Offset, int StoredLength, int PlainLength, bool Compressed, UInt128[] Ids, ushort[] Lengths);

/// <summary>What a pack holds. It stands at the pack's end and, again, in an index object.</summary>
internal sealed record PackTable(string Name, long Size, IReadOnlyList<PackSegment> Segments)
{
    public const int MaxSegmentLength = 4 << 20;
    private const int BlockBytes = 18, SegmentBytes = 5;

    public void Write(BinaryWriter writer)
    {
        writer.Write(Convert.FromHexString(Name["packs/".Length..]));
        writer.Write7BitEncodedInt64(Size);
        writer.Write7BitEncodedInt(Segments.Count);
        Span<byte> id = stackalloc byte[16];
        foreach (var segment in Segments)
        {
            writer.Write7BitEncodedInt64(segment.Offset);
            writer.Write7BitEncodedInt(segment.StoredLength);
            writer.Write7BitEncodedInt(segment.PlainLength);
            writer.Write(segment.Compressed);
            writer.Write7BitEncodedInt(segment.Ids.Length);
            for (var i = 0; i < segment.Ids.Length; i++)
            {
                MemoryMarshal.Write(id, segment.Ids[i]);
                writer.Write(id);
                writer.Write(segment.Lengths[i]);
            }
        }
    }

    /// <exception cref="DamageException">It is no table.</exception>
    public static PackTable Read(BinaryReader reader, string where)
    {
        try
        {
            var name = "packs/" + Convert.ToHexStringLower(ReadExactly(reader, 16));
            var size = reader.Read7BitEncodedInt64();
            var segments = new PackSegment[Bounded(reader.Read7BitEncodedInt(), Fitting(reader, SegmentBytes), where)];
            for (var i = 0; i < segments.Length; i++)
            {
                var offset = reader.Read7BitEncodedInt64();
                var stored = Bounded(reader.Read7BitEncodedInt(), MaxSegmentLength, where);
                var plain = Bounded(reader.Read7BitEncodedInt(), MaxSegmentLength, where);
                var compressed = reader.ReadBoolean();
                var count = Bounded(reader.Read7BitEncodedInt(), Fitting(reader, BlockBytes), where);
                var ids = new UInt128[count];
                var lengths = new ushort[count];
                long total = 0;
                for (var b = 0; b < count; b++)
                {
                    ids[b] = MemoryMarshal.Read<UInt128>(ReadExactly(reader, 16));
                    lengths[b] = reader.ReadUInt16();
                    total += lengths[b];
                }

                if (total != plain || stored < KeyRing.TagLength || offset < 0 || offset > size - stored || lengths.Any(l => l is 0 or > Blocks.Size))
                    throw new DamageException(where, "its table of blocks contradicts itself");
                segments[i] = new PackSegment(offset, stored, plain, compressed, ids, lengths);
            }

            return new PackTable(name, size, segments);
        }
        catch (Exception error) when (error is IOException or FormatException or ArgumentException)
        {
            throw new DamageException(where, "its table of blocks is cut off", error);
        }
    }

    /// <summary>The same without ids and lengths, which the index holds in another form.</summary>
    public PackTable WithoutBlocks() => this with { Segments = [.. Segments.Select(s => s with { Ids = [], Lengths = [] })] };

    /// <summary>For this machine's own files.</summary>
    public void WriteWithoutBlocks(BinaryWriter writer)
    {
        writer.Write(Name);
        writer.Write7BitEncodedInt64(Size);
        var segments = Segments as UnreadSegments ?? UnreadSegments.Of(Segments);
        writer.Write7BitEncodedInt(segments.Count);
        writer.Write7BitEncodedInt(segments.Stored.Length);
        writer.Write(segments.Stored);
    }

    /// <summary>Reads the same; the segments only when one of them is asked for, as a round needs few packs of a large repository.</summary>
    public static PackTable ReadWithoutBlocks(BinaryReader reader)
        => new(reader.ReadString(), reader.Read7BitEncodedInt64(), new UnreadSegments(reader.Read7BitEncodedInt(), reader.ReadBytes(reader.Read7BitEncodedInt())));

    /// <summary>How many of that length there can be in what is left to read: no count is believed before there are bytes for it.</summary>
    private static int Fitting(BinaryReader reader, int bytesEach) => (int)((reader.BaseStream.Length - reader.BaseStream.Position) / bytesEach);

    private static byte[] ReadExactly(BinaryReader reader, int length)
        => reader.ReadBytes(length) is { } bytes && bytes.Length == length ? bytes : throw new EndOfStreamException();

    private static int Bounded(int value, int limit, string where)
        => value >= 0 && value <= limit ? value : throw new DamageException(where, "a count in its table of blocks is impossible");
}
