using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Consistency;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Consistency;

public sealed class SourceHookTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("hook-tests-").FullName;
    private readonly List<string> _warnings = [];

    private string Log => Path.Combine(_root, "log");

    [Fact]
    public async Task The_hooks_run_around_the_reading()
    {
        await using (var source = await OpenAsync(new() { Before = Say("before"), After = Say("after") }))
        {
            Assert.Equal("before\n", File.ReadAllText(Log));
            await source.ReadAsync();
            Assert.Equal("before\nafter\n", File.ReadAllText(Log));
        }

        Assert.Equal("before\nafter\n", File.ReadAllText(Log));
        Assert.Empty(_warnings);
        Assert.Empty(Directory.EnumerateFiles(_root, "between*"));
    }

    [Fact]
    public async Task The_hook_after_runs_when_the_reading_fails()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await using var source = await OpenAsync(new() { After = Say("after") });
            throw new InvalidOperationException();
        });
        Assert.Equal("after\n", File.ReadAllText(Log));
    }

    [Fact]
    public async Task The_hook_after_runs_when_there_is_nothing_to_read()
    {
        await Assert.ThrowsAnyAsync<IOException>(() => OpenAsync(new() { After = Say("after") }, Path.Combine(_root, "missing")));
        Assert.Equal("after\n", File.ReadAllText(Log));
    }

    [Fact]
    public async Task A_hook_before_that_fails_stops_the_snapshot_and_tells_no_secret()
    {
        var error = await Assert.ThrowsAsync<RelocateException>(() => OpenAsync(new() { Before = "PASSWORD=hunter2; echo hunter2; echo hunter2 >&2; exit 3", After = Say("after") }));
        Assert.Contains("exit code 3", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", error.Message, StringComparison.Ordinal);
        Assert.Equal("after\n", File.ReadAllText(Log));
    }

    [Fact]
    public async Task A_hook_that_takes_too_long_is_killed_with_what_it_started()
    {
        var pid = Path.Combine(_root, "pid");
        var hooks = new SourceHooks { Before = $"sleep 1000 & echo $! > '{pid}.new'; mv '{pid}.new' '{pid}'; wait", After = Say("after"), Timeout = TimeSpan.FromSeconds(2) };
        var error = await Assert.ThrowsAsync<RelocateException>(() => OpenAsync(hooks));
        Assert.Contains("longer than 2 s", error.Message, StringComparison.Ordinal);
        Assert.Equal("after\n", File.ReadAllText(Log));
        var state = $"/proc/{File.ReadAllText(pid).Trim()}/stat";
        while (File.Exists(state) && !File.ReadAllText(state).Contains(") Z ", StringComparison.Ordinal))
            await Task.Delay(10, Workspace.Cancellation);
    }

    [Fact]
    public async Task A_hook_after_that_fails_is_a_warning()
    {
        await using (await OpenAsync(new() { After = "exit 1" }))
        {
        }

        Assert.Equal("the post-hook ended with exit code 1", Assert.Single(_warnings));
    }

    [Fact]
    public async Task A_hook_that_prints_much_does_not_wait_for_a_reader()
    {
        await using (await OpenAsync(new() { Before = "yes | head -c 1000000; yes | head -c 1000000 >&2", After = Say("after") }))
        {
        }

        Assert.Equal("after\n", File.ReadAllText(Log));
    }

    [Fact]
    public async Task The_repositorys_passphrase_is_not_given_to_hooks()
    {
        Environment.SetEnvironmentVariable("RELOCATE_PASSPHRASE", "hunter2");
        try
        {
            await using (await OpenAsync(new() { Before = $"env > '{Log}'" }))
                Assert.DoesNotContain("hunter2", File.ReadAllText(Log), StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("RELOCATE_PASSPHRASE", null);
        }
    }

    [Fact]
    public async Task After_a_run_that_was_killed_between_its_hooks_the_next_runs_the_hook_after_first()
    {
        var volume = Directory.CreateDirectory(Path.Combine(_root, "volume")).FullName;
        using (var child = ChildProcess.Start("hold", _root, volume, Say("before"), Say("after")))
        {
            Assert.Equal("begun", await child.StandardOutput.ReadLineAsync(Workspace.Cancellation));
            Assert.Equal("ready", await child.StandardOutput.ReadLineAsync(Workspace.Cancellation));
            child.Kill();
            await child.WaitForExitAsync(Workspace.Cancellation);
        }

        Assert.Equal("before\n", File.ReadAllText(Log));
        await using (await OpenAsync(new() { Before = Say("second before"), After = Say("after") }))
            Assert.Equal("before\nafter\nsecond before\n", File.ReadAllText(Log));
        Assert.Contains("killed between its hooks", Assert.Single(_warnings), StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string Say(string what) => $"echo {what} >> '{Log}'";

    private Task<ConsistentSource> OpenAsync(SourceHooks hooks, string? volume = null)
        => ConsistentSource.OpenAsync(new SnapshotRequest
        {
            App = "web",
            SnapshotId = "s",
            Volumes = [new VolumePath("data", volume ?? _root)],
            JournalDirectory = _root,
            Hooks = hooks,
        }, _root, TimeProvider.System, _warnings.Add, Workspace.Cancellation);
}
