using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Rounds;

public sealed class LargeFileTests : IDisposable
{
    private const int Chunk = 4 << 20;
    private readonly Workspace _workspace = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Files_of_many_chunks_that_grow_shrink_and_get_holes_arrive_round_after_round(int seed)
    {
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < (Environment.GetEnvironmentVariable("RELOCATE_TEST_LONG") == "1" ? 60 : 24); round++)
        {
            Mutate(random);
            var taken = (await _workspace.MoveAsync(final: random.Next(4) == 0)).Taken;
            if (random.Next(8) == 0)
                File.Delete(Path.Combine(_workspace.SourceJournal, random.Next(2) == 0 ? "source.journal" : "source.chunks"));
            Assert.True(taken.Figures.Entries >= 1);
        }
    }

    [Fact]
    public async Task The_chunk_file_does_not_grow_while_the_same_pages_change()
    {
        using (var file = File.Create(Path.Combine(_workspace.Source, "file")))
            Fill(file, 0, 3 * Chunk, new Random(1));
        await _workspace.TakeAsync();
        var chunks = new FileInfo(Path.Combine(_workspace.SourceJournal, "source.chunks"));
        long second = 0;
        for (var round = 0; round < 12; round++)
        {
            using (var file = File.OpenWrite(Path.Combine(_workspace.Source, "file")))
                Fill(file, Chunk, 8192, new Random(round + 2));
            var taken = await _workspace.TakeAsync();
            Assert.Equal(8192, taken.Figures.BytesChanged);
            chunks.Refresh();
            second = round == 2 ? chunks.Length : second;
        }

        Assert.Equal(second, chunks.Length);
    }

    [Fact]
    public async Task A_sparse_tebibyte_is_taken_for_the_price_of_its_data()
    {
        using (var file = File.Create(Path.Combine(_workspace.Source, "huge")))
        {
            file.SetLength(1L << 40);
            Fill(file, (1L << 39) + 5, 100_000, new Random(1));
            Fill(file, (1L << 40) - 3, 3, new Random(2));
        }

        var first = await _workspace.TakeAsync();
        Assert.InRange(first.Figures.BytesScanned, 100_000, 1 << 20);
        using (var file = File.OpenWrite(Path.Combine(_workspace.Source, "huge")))
            Fill(file, 77, 10, new Random(3));
        var second = await _workspace.TakeAsync();
        Assert.Equal(8192, second.Figures.BytesChanged);
        Assert.InRange(second.Figures.BytesShipped, 1, 64 * 1024);
    }

    public void Dispose() => _workspace.Dispose();

    private static void Fill(FileStream file, long offset, int length, Random random)
    {
        var content = new byte[length];
        random.NextBytes(content);
        file.Position = offset;
        file.Write(content);
    }

    private void Mutate(Random random)
    {
        var path = Path.Combine(_workspace.Source, $"f{random.Next(3)}");
        using var file = File.Open(path, FileMode.OpenOrCreate);
        for (var change = random.Next(3); change >= 0; change--)
        {
            switch (random.Next(6))
            {
                case 0:
                    file.SetLength(random.Next(6) * (long)Chunk);
                    break;
                case 1:
                    file.SetLength(random.NextInt64(5L * Chunk));
                    break;
                case 2:
                    file.SetLength(random.Next(200_000));
                    break;
                case 3 when file.Length > 0:
                    Assert.Equal(0, TreeComparison.Run("fallocate", "-p", "-o", $"{random.NextInt64(file.Length)}", "-l", $"{random.Next(1, 2 * Chunk)}", path).Code);
                    break;
                default:
                    Fill(file, random.NextInt64(file.Length + 1), random.Next(1, 300_000), random);
                    break;
            }
        }
    }
}
