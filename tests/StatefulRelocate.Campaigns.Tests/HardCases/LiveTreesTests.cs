using System.Diagnostics;
using StatefulRelocate.Campaigns.Tests.Programs;
using StatefulRelocate.Campaigns.Tests.Trees;

namespace StatefulRelocate.Campaigns.Tests.HardCases;

/// <summary>Somebody writes while the snapshot is taken, or forbids the reading.</summary>
public sealed class LiveTreesTests : IDisposable
{
    private readonly Desk _desk = new();

    [Fact]
    public async Task Files_that_vanish_appear_and_are_replaced_meanwhile_are_saved_whole_or_not_at_all()
    {
        const int files = 60, length = 300_000;
        var random = Campaign.Seeded("a live tree", 6100);
        foreach (var number in Enumerable.Range(0, files))
            Write(number, (byte)number);
        await File.WriteAllTextAsync(Path.Combine(_desk.Source, "still"), "never touched", TestContext.Current.CancellationToken);
        await _desk.MustAsync("repo", "init");
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                var number = random.Next(files);
                if (random.Next(3) == 0)
                    File.Delete(PathOf(number));
                else
                    Write(number, (byte)random.Next(256));
            }
        }, TestContext.Current.CancellationToken);
        try
        {
            for (var round = 0; round < Campaign.Times(3, 100); round++)
            {
                var taken = await _desk.RunAsync("snapshot", "create", _desk.Source);
                Assert.True(taken.ExitCode is 0 or 3, taken.ToString());
                await _desk.MustAsync("snapshot", "restore", "latest", _desk.Target, "--in-place");
                await _desk.MustAsync("snapshot", "verify", "latest", _desk.Target);
                foreach (var path in Directory.GetFiles(_desk.Target).Where(path => Path.GetFileName(path) is { } name && name.StartsWith('f')))
                {
                    var content = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
                    Assert.True(content.Length == length && !content.AsSpan().ContainsAnyExcept(content[0]), $"round {round}: {path} was never in that state");
                }

                Assert.Equal("never touched", await File.ReadAllTextAsync(Path.Combine(_desk.Target, "still"), TestContext.Current.CancellationToken));
            }
        }
        finally
        {
            await stop.CancelAsync();
            await writing;
        }

        await _desk.RoundTripAsync();

        void Write(int number, byte value)
        {
            var temporary = Path.Combine(_desk.Source, $"t{number}");
            var content = new byte[length];
            content.AsSpan().Fill(value);
            File.WriteAllBytes(temporary, content);
            File.Move(temporary, PathOf(number), overwrite: true);
        }

        string PathOf(int number) => Path.Combine(_desk.Source, $"f{number}");
    }

    [Fact]
    public async Task A_file_that_may_not_be_read_is_reported_and_the_rest_is_saved()
    {
        File.SetUnixFileMode(Path.GetDirectoryName(_desk.Source)!, (UnixFileMode)0x1FF);
        await File.WriteAllTextAsync(Path.Combine(_desk.Source, "readable"), "content", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_desk.Source, "secret"), "content", TestContext.Current.CancellationToken);
        Posix.SetMode(_desk.In("secret"), 0);
        File.SetUnixFileMode(_desk.At("key"), (UnixFileMode)0x1B6);
        await AsPlainUserAsync("repo", "init");
        var taken = await AsPlainUserAsync("snapshot", "create", _desk.Source);
        Assert.True(taken.ExitCode == 3, taken.ToString());
        Assert.Contains("secret", taken.Errors, StringComparison.Ordinal);
        var restored = await AsPlainUserAsync("snapshot", "restore", "latest", _desk.Target);
        Assert.True(restored.ExitCode is 0 or 3, restored.ToString());
        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(_desk.Target, "readable"), TestContext.Current.CancellationToken));
        Assert.False(File.Exists(Path.Combine(_desk.Target, "secret")));

        // Allowed again, it is in the next snapshot.
        Posix.SetMode(_desk.In("secret"), 0x1A4);
        Assert.Equal(0, (await AsPlainUserAsync("snapshot", "create", _desk.Source)).ExitCode);
    }

    public void Dispose() => _desk.Dispose();

    private async Task<ProgramResult> AsPlainUserAsync(params string[] arguments)
    {
        string[] all = [.. arguments, "--repo", $"dir:{_desk.Repository}", "--key-file", _desk.At("key")];
        if (Environment.UserName != "root")
            return await RelocateProgram.RunAsync(RelocateProgram.Path, all, _desk.Environment);
        using var probe = Process.Start(new ProcessStartInfo("setpriv", ["--reuid", "65534", "--regid", "65534", "--clear-groups", "test", "-x", RelocateProgram.Path]))!;
        await probe.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.SkipUnless(probe.ExitCode == 0, $"a plain user cannot run {RelocateProgram.Path}");
        return await RelocateProgram.RunAsync("setpriv", ["--reuid", "65534", "--regid", "65534", "--clear-groups", RelocateProgram.Path, .. all], _desk.Environment);
    }
}
