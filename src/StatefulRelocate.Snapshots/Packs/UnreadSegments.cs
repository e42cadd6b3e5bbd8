using System.Collections;

namespace StatefulRelocate.Snapshots.Packs;

/// <summary>The segments of a pack without their blocks, as this machine's index cache holds them; decoded when one of them is first asked for.</summary>
/// <param name="count">How many there are.</param>
/// <param name="stored">What they were written as.</param>
internal sealed class UnreadSegments(int count, byte[] stored) : IReadOnlyList<PackSegment>
{
    private PackSegment[]? _segments;

    public int Count => count;

    public byte[] Stored => stored;

    public PackSegment this[int index] => (_segments ??= Decode())[index];

    public static UnreadSegments Of(IReadOnlyList<PackSegment> segments)
    {
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory);
        foreach (var segment in segments)
        {
            writer.Write7BitEncodedInt64(segment.Offset);
            writer.Write7BitEncodedInt(segment.StoredLength);
            writer.Write7BitEncodedInt(segment.PlainLength);
            writer.Write(segment.Compressed);
        }

        return new UnreadSegments(segments.Count, memory.ToArray());
    }

    public IEnumerator<PackSegment> GetEnumerator() => ((IEnumerable<PackSegment>)(_segments ??= Decode())).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private PackSegment[] Decode()
    {
        using var reader = new BinaryReader(new MemoryStream(stored));
        var segments = new PackSegment[count];
        for (var i = 0; i < count; i++)
            segments[i] = new PackSegment(reader.Read7BitEncodedInt64(), reader.Read7BitEncodedInt(), reader.Read7BitEncodedInt(), reader.ReadBoolean(), [], []);
        return segments;
    }
}
