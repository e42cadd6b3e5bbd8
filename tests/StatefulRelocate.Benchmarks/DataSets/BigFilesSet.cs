namespace StatefulRelocate.Benchmarks.DataSets;

/// <summary>4 files of 512 MiB, every other MiB random; a round appends to one and overwrites a stretch of another.</summary>
internal sealed class BigFilesSet(double scale, ulong seed) : DataSet("big", scale, seed)
{
    private const int Files = 4;
    private const int Piece = 1 << 20;

    private int Pieces => Math.Max(2, (int)(512 * Scale));

    private int PiecesToChange => Math.Max(1, (int)(16 * Scale));

    public override string Description
        => $"{Files} files of {Pieces} MiB, every other MiB random, the rest text; each round appends {PiecesToChange} MiB to one and overwrites {PiecesToChange} MiB of another";

    public override DataSetWork Work => new((long)Files * Pieces * Piece, 2L * Pieces * Piece, 2L * PiecesToChange * Piece, ChangesPages: false);

    public override void Create(string directory)
    {
        var buffer = new byte[Piece];
        for (var file = 0; file < Files; file++)
        {
            using var stream = Open(Path.Combine(directory, $"image-{file}.raw"), FileMode.CreateNew);
            for (var piece = 0; piece < Pieces; piece++)
            {
                Fill(buffer, file, piece, 0);
                stream.Write(buffer);
            }
        }
    }

    public override long Change(string directory, int round)
    {
        var buffer = new byte[Piece];
        using (var appended = Open(Path.Combine(directory, $"image-{round % Files}.raw"), FileMode.Open))
        {
            appended.Seek(0, SeekOrigin.End);
            for (var piece = 0; piece < PiecesToChange; piece++)
            {
                Fill(buffer, round % Files, Pieces + piece, round);
                appended.Write(buffer);
            }
        }

        var random = new SeededBytes(SeededBytes.Mix(Seed, 0xB16, (ulong)round));
        var victim = (round + 1) % Files;
        using var overwritten = Open(Path.Combine(directory, $"image-{victim}.raw"), FileMode.Open);
        // Not on a boundary of anything but a disk's sector.
        overwritten.Seek(random.Below((overwritten.Length - ((long)PiecesToChange * Piece)) / 512) * 512, SeekOrigin.Begin);
        for (var piece = 0; piece < PiecesToChange; piece++)
        {
            Fill(buffer, victim, (2 * Pieces) + piece, round);
            overwritten.Write(buffer);
        }

        return 2L * PiecesToChange * Piece;
    }

    private void Fill(Span<byte> span, int file, int piece, int version)
    {
        var random = new SeededBytes(SeededBytes.Mix(Seed, 0xB, (ulong)file, (ulong)piece, (ulong)version));
        if (piece % 2 == 0)
            random.Random(span);
        else
            random.Text(span);
    }
}
