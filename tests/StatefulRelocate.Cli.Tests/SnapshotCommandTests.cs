using System.Text.Json;

namespace StatefulRelocate.Cli.Tests;

public sealed class SnapshotCommandTests : IDisposable
{
    private readonly RelocateProgram _program = new();

    [Fact]
    public async Task A_directory_goes_there_and_back_with_what_was_excluded_missing()
    {
        await PrepareAsync();
        await _program.RunAsync("snapshot", "create", "source", "--app", "web", "--tag", "first", "--exclude", "*.log", "--exclude", "!keep.log");
        var list = Json((await _program.RunAsync("snapshot", "list", "--json")).MustBe(0));
        var one = Assert.Single(list.EnumerateArray());
        Assert.Equal(("web", "first"), (one.GetProperty("app").GetString(), one.GetProperty("tags")[0].GetString()));
        var id = one.GetProperty("id").GetString()!;

        // The beginning of an id is enough.
        Assert.Equal("hello\n", (await _program.RunAsync("snapshot", "dump", id[..^2], "deep/file")).MustBe(0).Output);
        Assert.Equal([".", "deep/", "deep/file", "deep/keep.log"], (await _program.RunAsync("snapshot", "ls", "latest")).MustBe(0).Output.TrimEnd().Split('\n'));
        (await _program.RunAsync("snapshot", "restore", "latest", "target")).MustBe(0);
        Assert.Equal("hello\n", await File.ReadAllTextAsync(_program.In("target/deep/file"), TestContext.Current.CancellationToken));
        (await _program.RunAsync("snapshot", "restore", "latest", "target")).MustBeRefused("not empty");
        (await _program.RunAsync("snapshot", "verify", "latest", "target")).MustBe(0);
        await File.WriteAllTextAsync(_program.In("target/deep/file"), "other\n", TestContext.Current.CancellationToken);
        Assert.Contains("deep/file", (await _program.RunAsync("snapshot", "verify", "latest", "target")).MustBe(6).Output, StringComparison.Ordinal);
        (await _program.RunAsync("repo", "check", "--read-data=100%")).MustBe(0);
    }

    [Fact]
    public async Task A_dry_run_stores_nothing()
    {
        await PrepareAsync();
        var ended = (await _program.RunAsync("snapshot", "create", "source", "--dry-run", "--json")).MustBe(0);
        Assert.True(Json(ended).GetProperty("dryRun").GetBoolean());
        Assert.Empty(ended.Errors);
        Assert.Empty(Json((await _program.RunAsync("snapshot", "list", "--json")).MustBe(0)).EnumerateArray());
        Assert.False(Directory.Exists(_program.In("repository/packs")));
        Assert.False(Directory.Exists(_program.In("repository/writers")));
    }

    [Fact]
    public async Task A_quiesced_snapshot_is_refused_while_something_writes_and_is_listed_as_final()
    {
        await PrepareAsync();
        using (var stop = new CancellationTokenSource())
        {
            var busy = Task.Run(
                async () =>
                {
                    await using var file = new FileStream(_program.In("source/busy"), FileMode.Create, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
                    file.Write(new byte[64 << 20]);
                    while (!stop.IsCancellationRequested)
                    {
                        file.Position = 0;
                        file.Write("again"u8);
                    }
                },
                TestContext.Current.CancellationToken);
            while (!File.Exists(_program.In("source/busy")))
                await Task.Yield();
            var refused = await _program.RunAsync("snapshot", "create", "source", "--quiesced");
            await stop.CancelAsync();
            await busy;
            refused.MustBe(1);
            Assert.Contains("busy: the file changed while the final snapshot read it: something still writes", refused.Errors, StringComparison.Ordinal);
            Assert.Empty(Json((await _program.RunAsync("snapshot", "list", "--json")).MustBe(0)).EnumerateArray());
        }

        (await _program.RunAsync("snapshot", "create", "source", "--quiesced", "--source-snapshot", "auto")).MustBeRefused("leave one of them out");
        (await _program.RunAsync("snapshot", "create", "source", "--quiesced")).MustBe(0);
        Assert.True(Assert.Single(Json((await _program.RunAsync("snapshot", "list", "--json")).MustBe(0)).EnumerateArray()).GetProperty("final").GetBoolean());
    }

    [Fact]
    public async Task A_dry_run_of_a_restore_says_what_it_would_do_and_touches_nothing()
    {
        await PrepareAsync();
        (await _program.RunAsync("snapshot", "create", "source")).MustBe(0);
        var fresh = Json((await _program.RunAsync("snapshot", "restore", "latest", "target", "--dry-run", "--json")).MustBe(0));
        Assert.Equal((true, 5, 18), (fresh.GetProperty("dryRun").GetBoolean(), fresh.GetProperty("made").GetProperty("names").GetInt32(), fresh.GetProperty("made").GetProperty("bytes").GetInt32()));
        Assert.False(Directory.Exists(_program.In("target")));

        (await _program.RunAsync("snapshot", "restore", "latest", "target")).MustBe(0);
        await File.WriteAllTextAsync(_program.In("target/deep/file"), "other\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_program.In("target/stray"), "stray\n", TestContext.Current.CancellationToken);
        (await _program.RunAsync("snapshot", "restore", "latest", "target", "--dry-run")).MustBeRefused("not empty");
        (await _program.RunAsync("snapshot", "restore", "latest", "source/deep/file", "--dry-run")).MustBeRefused("not a directory");
        var said = (await _program.RunAsync("snapshot", "restore", "latest", "target", "--in-place", "--dry-run")).MustBe(0).Output.TrimEnd().Split('\n');
        Assert.Equal(["U data:.", "M data:deep/file  6 B", "- data:stray  6 B"], said[..^1]);
        Assert.EndsWith("0 (0 B) made, 1 (6 B) changed, 1 with other metadata, 1 (6 B) removed, 3 unchanged; nothing was touched", said[^1], StringComparison.Ordinal);
        Assert.Equal("other\n", await File.ReadAllTextAsync(_program.In("target/deep/file"), TestContext.Current.CancellationToken));
        var json = Json((await _program.RunAsync("snapshot", "restore", "latest", "target", "--in-place", "--dry-run", "--json")).MustBe(0));
        Assert.Equal(["U", "M", "-"], json.GetProperty("differences").EnumerateArray().Select(each => each.GetProperty("kind").GetString()));
        Assert.Equal(6, json.GetProperty("removed").GetProperty("bytes").GetInt32());
    }

    [Fact]
    public async Task Forgetting_shows_why_and_pruning_frees_the_space()
    {
        await PrepareAsync();
        (await _program.RunAsync("snapshot", "create", "source", "--app", "web")).MustBe(0);
        await File.WriteAllTextAsync(_program.In("source/deep/file"), "changed\n", TestContext.Current.CancellationToken);
        (await _program.RunAsync("snapshot", "create", "source", "--app", "web")).MustBe(0);
        Assert.Contains("1 kept, 1 would be forgotten", (await _program.RunAsync("snapshot", "forget", "--keep-last", "1", "--dry-run")).MustBe(0).Output, StringComparison.Ordinal);
        var forgotten = Json((await _program.RunAsync("snapshot", "forget", "--keep-last", "1", "--json")).MustBe(0));
        Assert.Equal("last", forgotten.GetProperty("kept")[0].GetProperty("reasons")[0].GetString());
        Assert.Equal(1, forgotten.GetProperty("forgotten").GetArrayLength());
        (await _program.RunAsync("snapshot", "forget")).MustBeRefused("keeps nothing");
        (await _program.RunAsync("snapshot", "prune", "--grace", "0", "--json")).MustBe(0);
        (await _program.RunAsync("repo", "check", "--read-data")).MustBe(0);
    }

    [Fact]
    public async Task Keys_come_and_go_and_the_last_one_stays()
    {
        await PrepareAsync();
        Assert.Contains("app 'web' only", (await _program.RunAsync("repo", "key", "add", "--app", "web", "--new-key-file", "web.key")).MustBe(0).Output, StringComparison.Ordinal);
        (await _program.RunAsync("snapshot", "create", "source", "--key-command", "cat web.key")).MustBe(0);
        (await _program.RunAsync("snapshot", "create", "source", "--key-file", "web.key", "--app", "mail")).MustBeRefused("'web' only");
        var keys = Json((await _program.RunAsync("repo", "key", "list", "--json")).MustBe(0)).EnumerateArray().ToArray();
        Assert.Equal(2, keys.Length);
        (await _program.RunAsync("repo", "key", "remove", keys.Single(k => k.GetProperty("current").GetBoolean()).GetProperty("id").GetString()!)).MustBeRefused("last key");
        (await _program.RunAsync("repo", "key", "remove", keys.Single(k => !k.GetProperty("current").GetBoolean()).GetProperty("id").GetString()!)).MustBe(0);
        (await _program.RunAsync("snapshot", "list", "--key-file", "web.key")).MustBeRefused("wrong key");
        Assert.Contains("web", (await _program.RunAsync("snapshot", "list")).MustBe(0).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--compression", "zstd:20", "zstd:1 to zstd:19")]
    [InlineData("--memory", "10MiB", "at least 64MiB")]
    [InlineData("--exclude-larger-than", "big", "not a size")]
    [InlineData("--tag", "two words", "a tag is one word")]
    [InlineData("--exclude-file", "nothing-there", "cannot read the patterns")]
    public async Task Bad_input_is_one_line(string option, string value, string because)
    {
        Directory.CreateDirectory(_program.In("source"));
        (await _program.RunAsync("snapshot", "create", "source", option, value)).MustBeRefused(because);
    }

    [Fact]
    public async Task The_shell_completes_what_can_follow()
    {
        var line = "relocate snapshot forget --keep-";
        var found = (await _program.RunAsync($"[suggest:{line.Length}]", line)).MustBe(0).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["--keep-daily", "--keep-hourly", "--keep-last", "--keep-monthly", "--keep-tag", "--keep-weekly", "--keep-within"], found.Order(StringComparer.Ordinal));
    }

    public void Dispose() => _program.Dispose();

    private async Task PrepareAsync()
    {
        Directory.CreateDirectory(_program.In("source/deep"));
        foreach (var name in new[] { "file", "a.log", "keep.log" })
            await File.WriteAllTextAsync(_program.In($"source/deep/{name}"), "hello\n", TestContext.Current.CancellationToken);
        (await _program.RunAsync("repo", "init")).MustBe(0);
    }

    private static JsonElement Json(Ended ended) => JsonDocument.Parse(ended.Output).RootElement;
}
