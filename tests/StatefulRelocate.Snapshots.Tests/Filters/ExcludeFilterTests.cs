using System.Diagnostics;
using System.Text;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Filters;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Filters;

public sealed class ExcludeFilterTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public void Patterns_do_what_git_does_with_them()
    {
        if (!HasGit())
            Assert.Skip("there is no git to compare with");
        var seed = Environment.TickCount;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);

        // Only ASCII: to git a question mark is a byte, here it is a character.
        string[] names = ["a", "b", "ab", "a.log", "b.tmp", "[x]", "a b", "#c", "!d", ".e"];
        string[] pieces = ["a", "b", "*", "?", "**", "/", "/", "[ab]", "[!a]", "[a-c]", ".log", "\\#", "\\!", "[[:alpha:]]", "\\ ", "*.tmp", "x"];
        var tree = _workspace.Source;
        var directories = new List<string> { tree };
        for (var i = 0; i < 14; i++)
        {
            var directory = Path.Combine(directories[random.Next(directories.Count)], names[random.Next(names.Length)]);
            Directory.CreateDirectory(directory);
            directories.Add(directory);
        }

        foreach (var directory in directories)
        {
            foreach (var name in names.Where(n => !Directory.Exists(Path.Combine(directory, n)) && random.Next(3) > 0))
                File.WriteAllText(Path.Combine(directory, name), "");
        }

        TreeComparison.Run("git", "init", "-q", tree);
        for (var round = 0; round < 60; round++)
        {
            var lines = Enumerable.Range(0, random.Next(1, 6)).Select(_ => (random.Next(4) == 0 ? "!" : "") + (random.Next(4) == 0 ? "/" : "")
                + string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ => pieces[random.Next(pieces.Length)])) + (random.Next(5) == 0 ? "/" : ""))
                .Where(l => l.Trim('/', '!').Length > 0 && !l.Contains("//", StringComparison.Ordinal)).ToArray();
            File.WriteAllLines(Path.Combine(tree, ".git", "info", "exclude"), lines);
            var filter = new ExcludeFilter([], [Path.Combine(tree, ".git", "info", "exclude")], false, null);
            var (kept, git) = (new SortedSet<string>(StringComparer.Ordinal), GitKeeps(tree));
            Keep(filter, tree, "", kept);
            Assert.True(kept.SetEquals(git), $"seed {seed}, patterns {string.Join(" | ", lines)}\nonly here: {string.Join(' ', kept.Except(git))}\nonly git: {string.Join(' ', git.Except(kept))}");
        }
    }

    [Theory]
    [InlineData("*.log", "deep/er/x.log", true)]
    [InlineData("/*.log", "deep/x.log", false)]
    [InlineData("deep/x", "a/deep/x", false)]
    [InlineData("**/deep/x", "a/deep/x", true)]
    [InlineData("a/**", "a/b/c", true)]
    [InlineData("a/**/c", "a/c", true)]
    [InlineData("caché?", "cachéé", true)]
    [InlineData("# comment", "# comment", false)]
    [InlineData("\\# name", "# name", true)]
    [InlineData("name\\ ", "name ", true)]
    [InlineData("name  ", "name", true)]
    [InlineData("[z", "[z", true)]
    public void One_pattern_decides(string pattern, string path, bool excluded)
        => Assert.Equal(excluded, new ExcludeFilter([pattern], [], false, null).Excludes(Entry(path, false)));

    [Fact]
    public void The_last_pattern_that_matches_decides()
    {
        var filter = new ExcludeFilter(["*.log", "!keep.log", "build/"], [], false, null);
        Assert.True(filter.Excludes(Entry("a.log", false)));
        Assert.False(filter.Excludes(Entry("a/keep.log", false)));
        Assert.True(filter.Excludes(Entry("a/build", true)));
        Assert.False(filter.Excludes(Entry("a/build", false)));
    }

    [Fact]
    public void A_pattern_that_cannot_match_is_named_with_its_place()
    {
        var file = Path.Combine(_workspace.Root, "patterns");
        File.WriteAllLines(file, ["*.log", "bad\\"]);
        Assert.Contains($"{file}:2:", Assert.Throws<RelocateException>(() => new ExcludeFilter([], [file], false, null)).Message, StringComparison.Ordinal);
        Assert.Throws<RelocateException>(() => new ExcludeFilter(["/"], [], false, null));
    }

    [Fact]
    public void No_pattern_is_slow()
    {
        var filter = new ExcludeFilter([string.Concat(Enumerable.Repeat("*a", 100)) + "b", string.Concat(Enumerable.Repeat("**/a/", 50)) + "b"], [], false, null);
        var path = string.Join('/', Enumerable.Repeat(new string('a', 250), 15));
        var began = Stopwatch.GetTimestamp();
        Assert.False(filter.Excludes(Entry(path, false)));
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task Cache_directories_and_large_files_stay_out_of_a_snapshot()
    {
        foreach (var directory in new[] { "cache", "other" })
            Directory.CreateDirectory(Path.Combine(_workspace.Source, directory));
        await File.WriteAllTextAsync(Path.Combine(_workspace.Source, "cache", "CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n", Workspace.Cancellation);
        await File.WriteAllTextAsync(Path.Combine(_workspace.Source, "cache", "junk"), "junk", Workspace.Cancellation);
        await File.WriteAllTextAsync(Path.Combine(_workspace.Source, "other", "CACHEDIR.TAG"), "no signature", Workspace.Cancellation);
        await File.WriteAllTextAsync(Path.Combine(_workspace.Source, "other", "kept"), "kept", Workspace.Cancellation);
        await File.WriteAllBytesAsync(Path.Combine(_workspace.Source, "other", "large"), new byte[100_001], Workspace.Cancellation);
        await new Snapshotter(await _workspace.RepositoryAsync(), TimeProvider.System).TakeAsync(
            _workspace.Request("one") with { Filter = new ExcludeFilter([], [], excludeCaches: true, largerThan: 100_000) }, null, Workspace.Cancellation);
        await _workspace.RestoreAsync("one");
        Assert.Equal(
            ["cache", "cache/CACHEDIR.TAG", "other", "other/CACHEDIR.TAG", "other/kept"],
            Directory.EnumerateFileSystemEntries(_workspace.Target, "*", SearchOption.AllDirectories).Select(p => Path.GetRelativePath(_workspace.Target, p)).Order(StringComparer.Ordinal));
    }

    public void Dispose() => _workspace.Dispose();

    private static FilteredEntry Entry(string path, bool isDirectory)
        => new("data", Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(path)), "/volume/" + path, isDirectory, 0);

    private static void Keep(ExcludeFilter filter, string root, string path, SortedSet<string> kept)
    {
        foreach (var info in new DirectoryInfo(Path.Combine(root, path)).EnumerateFileSystemInfos())
        {
            var name = path.Length == 0 ? info.Name : $"{path}/{info.Name}";
            if (name == ".git" || filter.Excludes(Entry(name, info is DirectoryInfo)))
                continue;
            if (info is DirectoryInfo)
                Keep(filter, root, name, kept);
            else
                kept.Add(name);
        }
    }

    private static SortedSet<string> GitKeeps(string tree)
        => new(TreeComparison.Run("git", "-C", tree, "-c", "core.quotePath=false", "ls-files", "-z", "--others", "--exclude-standard").Output.Split('\0', StringSplitOptions.RemoveEmptyEntries), StringComparer.Ordinal);

    private static bool HasGit() => Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(p => File.Exists(Path.Combine(p, "git")));
}
