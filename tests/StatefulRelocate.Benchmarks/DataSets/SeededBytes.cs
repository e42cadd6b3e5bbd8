using System.Buffers.Binary;

namespace StatefulRelocate.Benchmarks.DataSets;

/// <summary>Bytes and numbers that depend on nothing but a seed (SplitMix64), the same on every machine and runtime.</summary>
internal struct SeededBytes(ulong seed)
{
    private static readonly byte[][] s_words =
    [
        .. "account active amount balance branch cache client cluster commit config country created customer data delivery email error event false first group header index invoice item journal language last limit local manager message name null number order owner page payment pending price product public quantity region report request restore result row server session status stock storage street string table target tenant total true update user value volume"
            .Split(' ').Select(word => System.Text.Encoding.ASCII.GetBytes(word + "=")),
    ];

    private ulong _state = seed;

    public static ulong Mix(params ReadOnlySpan<ulong> parts)
    {
        var mixed = 0x51_7C_C1_B7_27_22_0A_95UL;
        foreach (var part in parts)
            mixed = new SeededBytes(mixed ^ part).Next();
        return mixed;
    }

    public ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }

    public long Below(long bound) => (long)(Next() % (ulong)bound);

    public void Random(Span<byte> span)
    {
        while (span.Length >= 8)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(span, Next());
            span = span[8..];
        }

        for (var i = 0; i < span.Length; i++)
            span[i] = (byte)Next();
    }

    /// <summary>Words and numbers, as in rows and logs; zstd makes about a quarter of it.</summary>
    public void Text(Span<byte> span)
    {
        while (span.Length > 0)
        {
            var number = Next();
            var word = s_words[(int)(number % (ulong)s_words.Length)];
            var length = Math.Min(word.Length, span.Length);
            word.AsSpan(0, length).CopyTo(span);
            span = span[length..];
            for (var digits = (int)(number >> 40) & 3; digits >= 0 && span.Length > 0; digits--)
            {
                span[0] = (byte)('0' + (int)((number >> (44 + (4 * digits))) % 10));
                span = span[1..];
            }

            if (span.Length > 0)
            {
                span[0] = (byte)';';
                span = span[1..];
            }
        }
    }
}
