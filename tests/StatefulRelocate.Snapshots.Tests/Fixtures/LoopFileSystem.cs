namespace StatefulRelocate.Snapshots.Tests.Fixtures;

/// <summary>A real file system in a sparse file, mounted for one test; skips the test with the reason where that cannot be.</summary>
internal sealed class LoopFileSystem : IDisposable
{
    private readonly string _directory;

    private LoopFileSystem(string directory) => _directory = directory;

    public string Mount => Path.Combine(_directory, "mnt");

    public static LoopFileSystem Create(string type, int mebibytes = 512, string options = "")
    {
        if (Environment.UserName != "root")
            Assert.Skip("mounting a file system needs root");
        if (TreeComparison.Run("sh", "-c", $"command -v mkfs.{type} mount losetup").Code != 0)
            Assert.Skip($"mkfs.{type} is not installed (apt: {(type == "ext4" ? "e2fsprogs" : type == "xfs" ? "xfsprogs" : "btrfs-progs")})");
        var loop = new LoopFileSystem(Directory.CreateTempSubdirectory("loop-tests-").FullName);
        Directory.CreateDirectory(loop.Mount);
        var (code, output) = TreeComparison.Run("sh", "-c", $"cd '{loop._directory}' && truncate -s {mebibytes}M image && mkfs.{type} -q {options} image && mount -o loop image mnt");
        if (code == 0)
            return loop;
        loop.Dispose();
        Assert.Skip($"no {type} can be mounted here: {output.Trim()}");
        throw new InvalidOperationException();
    }

    public string In(params string[] names) => Path.Combine([Mount, .. names]);

    public void Dispose() => TreeComparison.Run("sh", "-c", $"umount '{Mount}' 2>/dev/null || umount -l '{Mount}' 2>/dev/null; rm -rf '{_directory}'");
}
