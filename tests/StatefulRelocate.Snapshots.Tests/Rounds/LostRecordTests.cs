using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Rounds;

/// <summary>The machine crashes, and of the journal's two files the table is what was last written, and the chunk file is older.</summary>
public sealed class LostRecordTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task An_older_record_in_the_place_of_one_that_was_lost_is_not_believed()
    {
        const int first = 8192 * 3, second = 8192 * 7;
        var file = _workspace.In(_workspace.Source, "database");
        var content = new byte[400_000];
        new Random(1).NextBytes(content);
        await File.WriteAllBytesAsync(file, content, Workspace.Cancellation);
        await _workspace.MoveAsync();
        Flip(file, second);
        await _workspace.MoveAsync();

        // The third round's record goes where the first one's was; the crash takes it back.
        var chunks = Path.Combine(_workspace.SourceJournal, "source.chunks");
        var before = await File.ReadAllBytesAsync(chunks, Workspace.Cancellation);
        Flip(file, first);
        await _workspace.MoveAsync();
        var after = await File.ReadAllBytesAsync(chunks, Workspace.Cancellation);
        Assert.NotEqual(before, after);
        Assert.Equal(before.Length, after.Length);
        await File.WriteAllBytesAsync(chunks, before, Workspace.Cancellation);
        WriteInAnotherBoot();

        // One block is again what it was in the round whose record stands there: upon that record it would count as unchanged.
        Flip(file, first);
        Flip(file, second + 8192);
        var (taken, _) = await _workspace.MoveAsync();
        var verified = await _workspace.VerifyAsync(taken.SnapshotId);
        Assert.True(verified.Matches, string.Join("; ", verified.Differences));
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    public void Dispose() => _workspace.Dispose();

    private static void Flip(string path, long offset)
    {
        using var file = File.Open(path, FileMode.Open);
        file.Position = offset;
        var value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 1));
    }

    private void WriteInAnotherBoot()
    {
        var path = Path.Combine(_workspace.SourceJournal, "source.journal");
        using var reader = JournalReader.Open(path)!;
        using var writer = new JournalWriter(path);
        while (reader.MoveNext())
            writer.Add(reader.Current.Bytes);
        writer.Commit(reader.Head with { BootId = "another" });
    }
}
