using StatefulRelocate.Activities.Tests.Moves;
using StatefulRelocate.Clusters;

namespace StatefulRelocate.Activities.Tests;

/// <summary>Damage by plain writes on the target, where nobody expects it: each stops the start.</summary>
public sealed class DamageTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public Task A_byte_in_a_warm_file_stops_the_start()
        => DamageStopsTheStartAsync(move => FlipAsync(Path.Combine(move.VolumeB, "images", "cold"), 3));

    [Fact]
    public Task A_byte_in_the_final_delta_stops_the_start()
        => DamageStopsTheStartAsync(move => FlipAsync(Path.Combine(move.VolumeB, "database"), 200_000));

    [Fact]
    public Task A_files_mode_stops_the_start()
        => DamageStopsTheStartAsync(move =>
        {
            File.SetUnixFileMode(Path.Combine(move.VolumeB, "images", "cold"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
            return Task.CompletedTask;
        });

    [Fact]
    public Task A_file_too_many_stops_the_start()
        => DamageStopsTheStartAsync(move => File.WriteAllTextAsync(Path.Combine(move.VolumeB, "images", "extra"), "?", Token));

    [Fact]
    public async Task A_start_without_a_verification_is_refused()
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("verify");
        var failure = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("start"));
        Assert.Equal(("not-verified", false), (failure.Failure.Code, failure.Failure.Retryable));
        Assert.DoesNotContain("start", move.B.Calls);
    }

    private static async Task DamageStopsTheStartAsync(Func<Move, Task> damage)
    {
        await using var move = await Move.StartAsync();
        await move.ReachAsync("quiesce");
        await using (var database = File.OpenWrite(Path.Combine(move.VolumeA, "database")))
        {
            database.Position = 200_000;
            database.Write(new byte[100]);
        }

        foreach (var step in new[] { "quiesce", "fence", "final-snapshot", "final-restore" })
            await move.DoAsync(step);
        await damage(move);
        var failure = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("verify"));
        Assert.Equal(("verify-mismatch", false), (failure.Failure.Code, failure.Failure.Retryable));
        failure = await Assert.ThrowsAsync<ActivityException>(() => move.DoAsync("start"));
        Assert.Equal("not-verified", failure.Failure.Code);
        Assert.DoesNotContain("start", move.B.Calls);
        await move.UndoAllAsync();
        Assert.Equal(AppRunState.Running, move.A.State(Move.App));
        await move.AssertRestoredAsync();
    }

    private static async Task FlipAsync(string path, long offset)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = offset;
        var value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 1));
    }
}
