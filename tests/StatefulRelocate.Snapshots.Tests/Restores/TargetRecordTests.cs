using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Restores;

/// <summary>The target's journal says by a hash what each chunk of a file is at; the ids of its blocks are read only where something changed.</summary>
public sealed class TargetRecordTests : IDisposable
{
    private const int Chunks = 6, Length = Chunks * (int)BlockMap.ChunkLength;
    private readonly Workspace _workspace = new();

    private string Database => _workspace.In(_workspace.Source, "database");

    [Fact]
    public async Task A_damaged_record_costs_nothing_until_its_chunk_changes_and_then_everything_is_compared()
    {
        await MakeDatabaseAsync(seed: 1);
        await _workspace.MoveAsync();
        Damage(record: 2);

        Flip(4 * BlockMap.ChunkLength + 5);
        Assert.Equal(Blocks.Size, (await MoveAsync()).BytesScanned);

        // Its record was taken over as it was.
        Flip(2 * BlockMap.ChunkLength + 5);
        Assert.InRange((await MoveAsync()).BytesScanned, Length, 2 * Length);

        Flip(2 * BlockMap.ChunkLength + 9);
        Assert.Equal(Blocks.Size, (await MoveAsync()).BytesScanned);
    }

    [Fact]
    public async Task A_file_that_somebody_touched_is_compared_although_one_of_its_records_is_damaged()
    {
        await MakeDatabaseAsync(seed: 2);
        await _workspace.MoveAsync();
        Damage(record: 3);

        // The snapshot did not change, the target did: the record is asked for by whoever compares.
        var target = _workspace.In(_workspace.Target, "database");
        await using (var file = File.Open(target, FileMode.Open))
        {
            file.Position = BlockMap.ChunkLength;
            file.Write("foreign"u8);
        }

        Assert.InRange((await MoveAsync()).BytesScanned, Length, 2 * Length);
    }

    [Fact]
    public async Task A_damaged_record_ends_no_restore_that_waits_with_many_names_for_its_file()
    {
        await MakeDatabaseAsync(seed: 3);

        // More names behind it than may wait for it.
        var many = Directory.CreateDirectory(_workspace.In(_workspace.Source, "many")).FullName;
        for (var i = 0; i < 33_000; i++)
            File.CreateSymbolicLink(Path.Combine(many, $"{i}"), "nothing");
        await _workspace.MoveAsync();

        // Of the end of the file, which fills no batch and is begun only when all wait for it.
        Damage(record: 5);
        File.SetLastWriteTimeUtc(_workspace.In(_workspace.Target, "database"), DateTime.UnixEpoch);

        Assert.InRange((await MoveAsync()).BytesScanned, Length, 2 * Length);
    }

    [Fact]
    public async Task A_verification_that_finds_a_difference_names_it_although_a_record_is_damaged()
    {
        await MakeDatabaseAsync(seed: 4);
        var (first, _) = await _workspace.MoveAsync();
        Flip(5);
        await _workspace.MoveAsync();
        Damage(record: 3);

        var verified = await _workspace.VerifyAsync(first.SnapshotId);
        Assert.False(verified.Matches);
        Assert.Contains("data:database: content differs first in the block at byte 0", verified.Differences);
    }

    public void Dispose() => _workspace.Dispose();

    private async Task MakeDatabaseAsync(int seed)
    {
        var content = new byte[Length];
        new Random(seed).NextBytes(content);
        await File.WriteAllBytesAsync(Database, content, Workspace.Cancellation);
    }

    private async Task<Core.Activities.RoundFigures> MoveAsync()
    {
        var (taken, restored) = await _workspace.MoveAsync();
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
        Assert.True((await _workspace.VerifyAsync(taken.SnapshotId)).Matches);
        return restored.Figures;
    }

    private void Damage(int record)
    {
        var path = Path.Combine(_workspace.TargetJournal, "target.chunks");
        var length = (16 + (BlockMap.ChunkBlocks * 16) + 511) / 512 * 512;
        using var file = File.Open(path, FileMode.Open);
        file.Position = (record * length) + 100;
        var value = file.ReadByte();
        file.Position--;
        file.WriteByte((byte)(value ^ 1));
    }

    private void Flip(long offset)
    {
        using var file = File.Open(Database, FileMode.Open);
        file.Position = offset;
        var value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 1));
    }
}
