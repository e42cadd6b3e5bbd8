namespace StatefulRelocate.Benchmarks.DataSets;

/// <summary>40,000 files of 1 to 32 KiB in 400 directories; a round rewrites one in a hundred.</summary>
internal sealed class SmallFilesSet(double scale, ulong seed) : DataSet("small", scale, seed)
{
    private const int LeastLength = 1024, LengthSpread = 31 * 1024, MeanLength = LeastLength + (LengthSpread / 2);

    private int Files => Math.Max(100, (int)(40_000 * Scale));

    private int FilesToChange => Math.Max(1, Files / 100);

    public override string Description => $"{Files} files of 1-32 KiB, half random and half text, 100 in a directory; each round rewrites {FilesToChange} of them";

    // Lengths are spread evenly.
    public override DataSetWork Work => new((long)Files * MeanLength, (long)FilesToChange * MeanLength, (long)FilesToChange * MeanLength, ChangesPages: false);

    public override void Create(string directory)
    {
        for (var number = 0; number < Files; number++)
        {
            if (number % 100 == 0)
                Directory.CreateDirectory(Path.GetDirectoryName(PathOf(directory, number))!);
            File.WriteAllBytes(PathOf(directory, number), Content(number, 0));
        }
    }

    public override long Change(string directory, int round)
    {
        var random = new SeededBytes(SeededBytes.Mix(Seed, 0x5A11, (ulong)round));
        var chosen = new HashSet<int>();
        while (chosen.Count < FilesToChange)
            chosen.Add((int)random.Below(Files));
        var bytes = 0L;
        foreach (var number in chosen.Order())
        {
            var content = Content(number, round);
            File.WriteAllBytes(PathOf(directory, number), content);
            bytes += content.Length;
        }

        return bytes;
    }

    private static string PathOf(string directory, int number) => Path.Combine(directory, $"d{number / 100:000}", $"f{number:00000}");

    private byte[] Content(int number, int version)
    {
        var random = new SeededBytes(SeededBytes.Mix(Seed, 0x5, (ulong)number, (ulong)version));
        var content = new byte[LeastLength + random.Below(LengthSpread)];
        random.Random(content.AsSpan(0, content.Length / 2));
        random.Text(content.AsSpan(content.Length / 2));
        return content;
    }
}
