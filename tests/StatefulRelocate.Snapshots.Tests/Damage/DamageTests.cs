using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Tests.Fixtures;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Snapshots.Tests.Damage;

public sealed class DamageTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Theory]
    [InlineData("a byte in a warm file")]
    [InlineData("a byte in the final delta")]
    [InlineData("the mode of a file")]
    [InlineData("a file too many")]
    [InlineData("a file too few")]
    [InlineData("a byte, with the times put back")]
    public async Task Damage_of_the_target_by_plain_means_is_found(string damage)
    {
        Write("warm", 300_000, 1);
        Write("hot", 300_000, 2);
        await _workspace.MoveAsync();
        Poke(Path.Combine(_workspace.Source, "hot"), 100_000);
        var (final, _) = await _workspace.MoveAsync(final: true);

        var warm = Path.Combine(_workspace.Target, "warm");
        switch (damage)
        {
            case "a byte in a warm file":
                Poke(warm, 123_456);
                break;
            case "a byte in the final delta":
                Poke(Path.Combine(_workspace.Target, "hot"), 100_000);
                break;
            case "the mode of a file":
                File.SetUnixFileMode(warm, File.GetUnixFileMode(warm) ^ UnixFileMode.OtherRead);
                break;
            case "a file too many":
                await File.WriteAllTextAsync(warm + "2", "", Workspace.Cancellation);
                break;
            case "a file too few":
                File.Delete(warm);
                break;
            default:
                var time = File.GetLastWriteTimeUtc(warm);
                Poke(warm, 123_456);
                File.SetLastWriteTimeUtc(warm, time);
                break;
        }

        var verified = await _workspace.VerifyAsync(final.SnapshotId);
        Assert.False(verified.Matches);
        Assert.NotEqual(verified.ManifestRootHash, verified.RootHash);
        Assert.NotEmpty(verified.Differences);

        // And a restore puts it right.
        await _workspace.RestoreAsync(final.SnapshotId);
        Assert.True((await _workspace.VerifyAsync(final.SnapshotId)).Matches);
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    [Theory]
    [InlineData("packs", "flip")]
    [InlineData("packs", "truncate")]
    [InlineData("packs", "delete")]
    [InlineData("packs", "swap")]
    [InlineData("maps", "flip")]
    [InlineData("maps", "truncate")]
    [InlineData("maps", "delete")]
    [InlineData("maps", "swap")]
    [InlineData("index", "flip")]
    [InlineData("index", "truncate")]
    [InlineData("index", "delete")]
    [InlineData("index", "swap")]
    [InlineData("snapshots", "flip")]
    [InlineData("snapshots", "truncate")]
    [InlineData("snapshots", "swap")]
    public async Task A_damaged_object_is_named_by_the_check_and_never_restored(string kind, string damage)
    {
        Write("file", 200_000, 3);
        await _workspace.TakeAsync("one");
        Write("other", 200_000, 4);
        await _workspace.TakeAsync("two");
        Assert.Empty((await new RepositoryChecker(await _workspace.ReopenAsync()).CheckAsync(true, Workspace.Cancellation)).Problems);

        var files = Directory.GetFiles(Path.Combine(_workspace.Store, kind)).Order().ToArray();
        var victim = files[0];
        switch (damage)
        {
            case "flip":
                Poke(victim, new FileInfo(victim).Length / 2);
                break;
            case "truncate":
                using (var file = File.Open(victim, FileMode.Open))
                    file.SetLength(file.Length / 2);
                break;
            case "delete":
                File.Delete(victim);
                break;
            default:
                File.Move(victim, victim + ".x");
                File.Move(files[1], victim);
                File.Move(victim + ".x", files[1]);
                break;
        }

        var repository = await _workspace.ReopenAsync();
        var report = await new RepositoryChecker(repository).CheckAsync(true, Workspace.Cancellation);
        Assert.NotEmpty(report.Problems);
        Assert.NotEmpty(report.AffectedSnapshots);
        if (damage != "delete" || kind != "index")
        {
            Assert.Contains(report.DamagedObjects, o => files.Take(damage == "swap" ? 2 : 1).Any(f => o.EndsWith(Path.GetFileName(f), StringComparison.Ordinal)));
            Assert.Contains(report.Problems, p => files.Take(damage == "swap" ? 2 : 1).Any(f => p.Contains(Path.GetFileName(f), StringComparison.Ordinal)));
        }

        var restorer = new Restoring.Restorer(repository, TimeProvider.System);
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            foreach (var id in new[] { "one", "two" })
            {
                await restorer.RestoreAsync(
                    new() { SnapshotId = id, Volumes = [new("data", _workspace.Target)], JournalDirectory = _workspace.TargetJournal }, null, Workspace.Cancellation);
            }
        });
    }

    [Fact]
    public async Task An_unknown_snapshot_is_bad_input()
    {
        await _workspace.RepositoryAsync();
        var error = await Assert.ThrowsAsync<RelocateException>(() => _workspace.RestoreAsync("nothing"));
        Assert.Equal(ExitCode.BadInput, error.ExitCode);
        Assert.Contains("no snapshot 'nothing'", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _workspace.Dispose();

    private static void Poke(string path, long offset)
    {
        using var file = File.Open(path, FileMode.Open);
        file.Position = offset;
        var value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 1));
    }

    private void Write(string name, int length, int seed)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        File.WriteAllBytes(Path.Combine(_workspace.Source, name), content);
    }
}
