using System.Globalization;

namespace StatefulRelocate.Campaigns.Tests.Fuzz;

/// <summary>Damages bytes by chance, with a liking for what upsets parsers: lengths, counts, ends.</summary>
internal static class Mutation
{
    private static readonly byte[][] s_telling =
    [
        [0], [0x7F], [0x80], [0xFF], [0xFF, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0x7F], [0x80, 0x80, 0x80, 0x80, 0x08], [0xFF, 0xFF, 0xFF, 0xFF, 0x07], [0, 0, 0, 0x80],
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0, 0, 0, 0, 0, 0, 0, 0x40], "../"u8.ToArray(), "/"u8.ToArray(), "\0"u8.ToArray(),
    ];

    /// <summary>Another content, and how it came about.</summary>
    public static (byte[] Content, string What) Of(byte[] content, Random random)
    {
        var list = content.ToList();
        var steps = new List<string>();
        for (var times = random.Next(4) == 0 ? random.Next(2, 6) : 1; times > 0; times--)
            steps.Add(One(list, random));
        return ([.. list], string.Join(", ", steps));
    }

    private static string One(List<byte> list, Random random)
    {
        if (list.Count == 0)
        {
            list.AddRange(Bytes(random, random.Next(1, 64)));
            return "random bytes for nothing";
        }

        // The front holds the counts and lengths.
        var at = random.Next(3) == 0 ? random.Next(Math.Min(list.Count, 64)) : random.Next(list.Count);
        var length = Math.Min(list.Count - at, random.Next(1, 40));
        switch (random.Next(9))
        {
            case 0:
                list[at] ^= (byte)(1 << random.Next(8));
                return Say($"bit at {at}");
            case 1 or 2:
                var telling = s_telling[random.Next(s_telling.Length)];
                for (var i = 0; i < telling.Length && at + i < list.Count; i++)
                    list[at + i] = telling[i];
                return Say($"{Convert.ToHexString(telling)} at {at}");
            case 3:
                list.InsertRange(at, s_telling[random.Next(s_telling.Length)]);
                return Say($"insert at {at}");
            case 4:
                list.RemoveRange(at, length);
                return Say($"remove {length} at {at}");
            case 5:
                list.RemoveRange(at, list.Count - at);
                return Say($"cut at {at}");
            case 6:
                list.InsertRange(at, list.GetRange(at, length));
                return Say($"double {length} at {at}");
            case 7:
                var bytes = Bytes(random, length);
                for (var i = 0; i < length; i++)
                    list[at + i] = bytes[i];
                return Say($"{length} random at {at}");
            default:
                list.Clear();
                list.AddRange(Bytes(random, random.Next(0, 200)));
                return "random bytes only";
        }
    }

    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private static string Say(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
