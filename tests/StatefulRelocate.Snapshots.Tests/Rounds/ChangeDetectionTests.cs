using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Rounds;

public sealed class ChangeDetectionTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task A_change_whose_mtime_was_put_back_is_found()
    {
        var file = Write("file", 100_000, 1);
        File.SetLastWriteTimeUtc(file, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        await _workspace.MoveAsync();
        Flip(file, 50_000);
        File.SetLastWriteTimeUtc(file, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        await _workspace.MoveAsync();
    }

    [Fact]
    public async Task A_store_through_a_mapping_is_found()
    {
        var file = Write("file", 100_000, 2);
        using var mapping = System.IO.MemoryMappedFiles.MemoryMappedFile.CreateFromFile(file, FileMode.Open);
        using var view = mapping.CreateViewAccessor();
        view.Write(40_000, 12345L);
        await _workspace.MoveAsync();
        view.Write(60_000, 54321L);
        await _workspace.MoveAsync();
        view.Write(60_000, 54322L);
        var taken = await _workspace.TakeAsync(compareInFull: [file]);
        await _workspace.RestoreAsync(taken.SnapshotId);
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    [Fact]
    public async Task An_unchanged_file_is_not_read_again_once_its_times_are_old_enough()
    {
        var file = Write("file", 1 << 20, 3);
        await Task.Delay(250, Workspace.Cancellation);
        Assert.True((await _workspace.TakeAsync()).Figures.BytesScanned >= 1 << 20);
        var second = await _workspace.TakeAsync();
        Assert.Equal(0, second.Figures.BytesScanned);
        Assert.Equal(0, second.Figures.BytesChanged);
        Assert.Equal(1 << 20, (await _workspace.TakeAsync(compareInFull: [file])).Figures.BytesScanned);
    }

    [Fact]
    public async Task A_lost_or_damaged_journal_costs_a_scan_and_no_upload()
    {
        Write("file", 1 << 20, 4);
        await _workspace.MoveAsync();
        var journal = Path.Combine(_workspace.SourceJournal, "source.journal");
        Flip(journal, 100);
        var again = (await _workspace.MoveAsync()).Taken;
        Assert.Equal(1 << 20, again.Figures.BytesScanned);
        Assert.True(again.Figures.BytesShipped < 64 * 1024, $"{again.Figures.BytesShipped} bytes were shipped");
        File.Delete(journal);
        File.Delete(Path.Combine(_workspace.TargetJournal, "target.journal"));
        Assert.Equal(0, (await _workspace.MoveAsync()).Restored.Figures.BytesShipped);
    }

    [Fact]
    public async Task The_same_id_gives_the_same_result_again()
    {
        Write("file", 10_000, 5);
        var first = await _workspace.TakeAsync("same");
        Write("file", 10_000, 6);
        var second = await _workspace.TakeAsync("same");
        Assert.Equal(first.RootHash, second.RootHash);
        Assert.Equal(first.Figures.BytesScanned, second.Figures.BytesScanned);
    }

    [Fact]
    public async Task Equal_content_is_stored_once()
    {
        Write("one", 1 << 20, 7);
        await _workspace.TakeAsync();
        File.Copy(Path.Combine(_workspace.Source, "one"), Path.Combine(_workspace.Source, "two"));
        var taken = await _workspace.TakeAsync();
        Assert.True(taken.Figures.BytesShipped < 64 * 1024, $"{taken.Figures.BytesShipped} bytes were shipped");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Random_trees_arrive_round_after_round(int seed)
    {
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < (Environment.GetEnvironmentVariable("RELOCATE_TEST_LONG") == "1" ? 60 : 20); round++)
        {
            for (var change = random.Next(8); change >= 0; change--)
                Mutate(random);
            if (random.Next(6) == 0)
                File.Delete(Path.Combine(_workspace.TargetJournal, "target.journal"));
            if (random.Next(3) == 0)
                await _workspace.TakeAsync();
            else
                await _workspace.MoveAsync();
        }
    }

    public void Dispose() => _workspace.Dispose();

    private static void Flip(string file, long offset)
    {
        using var stream = File.Open(file, FileMode.Open);
        stream.Position = offset;
        var value = stream.ReadByte();
        stream.Position = offset;
        stream.WriteByte((byte)(value ^ 0x55));
    }

    private void Mutate(Random random)
    {
        string Name() => Path.Combine(_workspace.Source, $"d{random.Next(3)}", $"f{random.Next(5)}");
        var path = Name();
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        switch (random.Next(8))
        {
            case 0 or 1:
                Write(Path.GetRelativePath(_workspace.Source, path), random.Next(200_000), random.Next());
                break;
            case 2 when File.Exists(path) && new FileInfo(path).Length > 0:
                Flip(path, random.NextInt64(new FileInfo(path).Length));
                break;
            case 3 when File.Exists(path):
                using (var file = File.Open(path, FileMode.Open))
                    file.SetLength(random.Next(400_000));
                break;
            case 4:
                File.Delete(path);
                break;
            case 5 when File.Exists(path) && Name() is var to && Directory.Exists(Path.GetDirectoryName(to)):
                File.Move(path, to, overwrite: true);
                break;
            case 6 when File.Exists(path) && Name() is var link && !File.Exists(link) && Directory.Exists(Path.GetDirectoryName(link)):
                TreeComparison.Run("ln", path, link);
                break;
            case 7 when random.Next(4) == 0:
                Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
                break;
        }
    }

    private string Write(string name, int length, int seed)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        var path = Path.Combine(_workspace.Source, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
