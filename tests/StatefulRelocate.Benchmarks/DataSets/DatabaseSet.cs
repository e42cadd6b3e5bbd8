namespace StatefulRelocate.Benchmarks.DataSets;

/// <summary>8 files of 8 KiB pages, half of each page random and half text; a round rewrites a share of the pages at random places.</summary>
internal sealed class DatabaseSet(double scale, ulong seed, long bytes = 1L << 30, long? changedBytes = null) : DataSet("db", scale, seed)
{
    private const int Files = 8;
    private const int PageSize = 8192;

    private int PagesPerFile => Math.Max(16, (int)(bytes * Scale / Files / PageSize));

    private int PagesToChange => changedBytes is { } wanted ? Math.Max(1, (int)(wanted / PageSize)) : Math.Max(1, PagesPerFile * Files / 100);

    public override string Description
        => $"{Files} files, {(long)PagesPerFile * Files * PageSize / 1048576.0:0.#} MiB of half-compressible 8 KiB pages; each round rewrites {PagesToChange} pages at random";

    public override DataSetWork Work
    {
        get
        {
            var all = (long)PagesPerFile * Files * PageSize;
            return new(all, all, (long)PagesToChange * PageSize, ChangesPages: true);
        }
    }

    public override void Create(string directory)
    {
        const int batch = 128;
        var buffer = new byte[batch * PageSize];
        for (var file = 0; file < Files; file++)
        {
            using var stream = Open(Path.Combine(directory, $"table-{file}.dat"), FileMode.CreateNew);
            for (var page = 0; page < PagesPerFile; page += batch)
            {
                var count = Math.Min(batch, PagesPerFile - page);
                for (var i = 0; i < count; i++)
                    Fill(buffer.AsSpan(i * PageSize, PageSize), file, page + i, 0);
                stream.Write(buffer, 0, count * PageSize);
            }
        }
    }

    public override long Change(string directory, int round)
    {
        var random = new SeededBytes(SeededBytes.Mix(Seed, 0xC4A46E, (ulong)round));
        var chosen = new HashSet<long>();
        while (chosen.Count < PagesToChange)
            chosen.Add(random.Below((long)PagesPerFile * Files));
        var page = new byte[PageSize];
        foreach (var group in chosen.Order().GroupBy(p => (int)(p / PagesPerFile)))
        {
            using var handle = File.OpenHandle(Path.Combine(directory, $"table-{group.Key}.dat"), FileMode.Open, FileAccess.Write);
            foreach (var number in group)
            {
                Fill(page, group.Key, (int)(number % PagesPerFile), round);
                RandomAccess.Write(handle, page, number % PagesPerFile * PageSize);
            }
        }

        return (long)chosen.Count * PageSize;
    }

    private void Fill(Span<byte> page, int file, int number, int version)
    {
        var random = new SeededBytes(SeededBytes.Mix(Seed, (ulong)file, (ulong)number, (ulong)version));
        random.Random(page[..(PageSize / 2)]);
        random.Text(page[(PageSize / 2)..]);
    }
}
