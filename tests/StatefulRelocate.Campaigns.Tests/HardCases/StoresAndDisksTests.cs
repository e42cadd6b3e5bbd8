using StatefulRelocate.Campaigns.Tests.Programs;
using StatefulRelocate.Campaigns.Tests.Trees;

namespace StatefulRelocate.Campaigns.Tests.HardCases;

/// <summary>Disks that are full, read-only, or know less than the source.</summary>
public sealed class StoresAndDisksTests : IDisposable
{
    private readonly Scratch _scratch = new();

    [Fact]
    public async Task A_full_repository_fails_in_one_line_damages_nothing_and_goes_on_when_there_is_room()
    {
        using var disk = Mount.Make(_scratch.At("disk"), "tmpfs", "size=6m");
        using var desk = new Desk(Path.Combine(disk.Path, "repo"));
        Fill(desk, "small", 1);
        await desk.RoundTripAsync();
        Fill(desk, "large", 30);
        await desk.MustFailAsync(disk.Path, "snapshot", "create", desk.Source);
        await desk.MustAsync("repo", "check", "--read-data");
        Assert.Single((await desk.MustAsync("snapshot", "list")).Output.TrimEnd().Split('\n'));
        disk.Remount("size=64m");
        await desk.RoundTripAsync();
        await desk.MustAsync("repo", "check", "--read-data");
    }

    [Fact]
    public async Task A_full_disk_below_the_journals_loses_nothing()
    {
        using var disk = Mount.Make(_scratch.At("disk"), "tmpfs", "size=1m");
        using var desk = new Desk(state: Path.Combine(disk.Path, "state"));
        Fill(desk, "file", 1);
        await desk.RoundTripAsync();
        for (var number = 0; number < 3000; number++)
            await File.WriteAllTextAsync(Path.Combine(desk.Source, $"{number}-{new string('x', 200)}"), "", TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(Path.Combine(disk.Path, "ballast"), new byte[(int)(new DriveInfo(disk.Path).AvailableFreeSpace / 4096 * 4096)], TestContext.Current.CancellationToken);
        Fill(desk, "more", 2);
        var taken = await desk.RunAsync("snapshot", "create", desk.Source);
        if (taken.ExitCode is not (0 or 3))
            await desk.MustFailAsync(disk.Path, "snapshot", "create", desk.Source);
        File.Delete(Path.Combine(disk.Path, "ballast"));
        disk.Remount("size=64m");
        await desk.RoundTripAsync();
        await desk.MustAsync("repo", "check", "--read-data");
    }

    [Fact]
    public async Task A_full_target_fails_in_one_line_and_is_finished_when_there_is_room()
    {
        using var disk = Mount.Make(_scratch.At("disk"), "tmpfs", "size=4m");
        using var desk = new Desk { Target = Path.Combine(disk.Path, "target") };
        Fill(desk, "file", 10);
        await desk.MustAsync("repo", "init");
        await desk.MustAsync("snapshot", "create", desk.Source);
        await desk.MustFailAsync(disk.Path, "snapshot", "restore", "latest", desk.Target, "--in-place");
        disk.Remount("size=64m");
        await desk.RoundTripAsync();
    }

    [Fact]
    public async Task A_read_only_repository_is_restored_from_and_not_written_to()
    {
        using var disk = Mount.Make(_scratch.At("disk"), "tmpfs", "size=64m");
        using var desk = new Desk(Path.Combine(disk.Path, "repo"));
        Fill(desk, "file", 1);
        await desk.MustAsync("repo", "init");
        await desk.MustAsync("snapshot", "create", desk.Source);
        disk.Remount("ro");
        await desk.MustAsync("repo", "check", "--read-data");
        await desk.MustAsync("snapshot", "restore", "latest", desk.Target);
        TreeImage.Of(desk.Source).RequireSameAs(TreeImage.Of(desk.Target), "from a read-only store");
        Fill(desk, "new", 1);
        await desk.MustFailAsync(disk.Path, "snapshot", "create", desk.Source);
        disk.Remount("rw");
        await desk.RoundTripAsync();
    }

    [Fact]
    public async Task A_target_without_extended_attributes_gets_all_the_rest_and_says_what_it_lacks()
    {
        using var disk = Mount.Make(_scratch.At("disk"), "ramfs", "mode=755");
        using var desk = new Desk { Target = Path.Combine(disk.Path, "target") };
        Fill(desk, "file", 1);
        Fill(desk, "bare", 1);
        Posix.SetAttribute(desk.In("file"), "user.name", [1, 2, 3]);
        await desk.MustAsync("repo", "init");
        await desk.MustAsync("snapshot", "create", desk.Source);
        var restored = await desk.RunAsync("snapshot", "restore", "latest", desk.Target);
        Assert.True(restored.ExitCode == 3, restored.ToString());
        Assert.Contains("file", restored.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("bare", restored.Errors, StringComparison.Ordinal);
        TreeImage.Of(desk.Source, attributes: false).RequireSameAs(TreeImage.Of(desk.Target, attributes: false), "without attributes");

        // The next round writes what changed, although this file is not what the snapshot says.
        Fill(desk, "file", 2);
        Assert.Equal(0, (await desk.RunAsync("snapshot", "create", desk.Source)).ExitCode);
        Assert.Equal(3, (await desk.RunAsync("snapshot", "restore", "latest", desk.Target, "--in-place")).ExitCode);
        TreeImage.Of(desk.Source, attributes: false).RequireSameAs(TreeImage.Of(desk.Target, attributes: false), "the second round");
    }

    public void Dispose() => _scratch.Dispose();

    private static void Fill(Desk desk, string name, int mebibytes)
    {
        var content = new byte[mebibytes << 20];
        new Random(mebibytes).NextBytes(content);
        File.WriteAllBytes(Path.Combine(desk.Source, name), content);
    }
}
