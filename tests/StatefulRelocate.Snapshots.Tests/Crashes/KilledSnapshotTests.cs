using StatefulRelocate.Snapshots.Tests.Fixtures;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Snapshots.Tests.Crashes;

public sealed class KilledSnapshotTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task A_snapshot_killed_at_any_instant_leaves_the_repository_sound()
    {
        const int seed = 7;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        var repository = await _workspace.RepositoryAsync();
        var rounds = Environment.GetEnvironmentVariable("RELOCATE_TEST_LONG") == "1" ? 200 : 6;
        for (var round = 0; round < rounds; round++)
        {
            var content = new byte[8 << 20];
            random.NextBytes(content);
            await File.WriteAllBytesAsync(Path.Combine(_workspace.Source, $"file-{round % 4}"), content, Workspace.Cancellation);
            await ChildProcess.KillAsync(TimeSpan.FromMilliseconds(random.Next(400)), "snapshot", _workspace.Root, $"round-{round}");
            var report = await new RepositoryChecker(await _workspace.ReopenAsync()).CheckAsync(true, Workspace.Cancellation);
            Assert.Empty(report.Problems);
        }

        await foreach (var manifest in repository.Snapshots.ListAsync(Workspace.Cancellation))
        {
            await _workspace.RestoreAsync(manifest.Id);
            Assert.True((await _workspace.VerifyAsync(manifest.Id)).Matches);
        }

        await _workspace.MoveAsync();
    }

    [Fact]
    public async Task A_cancelled_restore_is_finished_by_the_next()
    {
        await File.WriteAllBytesAsync(Path.Combine(_workspace.Source, "file"), new byte[100_000], Workspace.Cancellation);
        var taken = await _workspace.TakeAsync();
        using var cancel = new CancellationTokenSource();
        await cancel.CancelAsync();
        var restorer = new Restoring.Restorer(await _workspace.RepositoryAsync(), TimeProvider.System);
        var request = new Restoring.RestoreRequest { SnapshotId = taken.SnapshotId, Volumes = [new("data", _workspace.Target)], JournalDirectory = _workspace.TargetJournal };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => restorer.RestoreAsync(request, null, cancel.Token));
        await restorer.RestoreAsync(request, null, Workspace.Cancellation);
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    [Fact]
    public async Task A_restore_that_waits_begins_when_the_snapshot_is_sealed()
    {
        await File.WriteAllTextAsync(Path.Combine(_workspace.Source, "file"), "content", Workspace.Cancellation);
        var restorer = new Restoring.Restorer(await _workspace.ReopenedAfterInitAsync(), TimeProvider.System);
        var waiting = restorer.RestoreAsync(
            new() { SnapshotId = "later", Volumes = [new("data", _workspace.Target)], JournalDirectory = _workspace.TargetJournal, WaitForManifest = true }, null, Workspace.Cancellation);
        Assert.False(waiting.IsCompleted);
        await _workspace.TakeAsync("later");
        await waiting;
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    public void Dispose() => _workspace.Dispose();
}
