using System.Diagnostics;

namespace StatefulRelocate.TestSupport.FileSystems;

/// <summary>A real file system in a sparse file, mounted for one test; skips the test with the reason where that cannot be.</summary>
public sealed class LoopFileSystem : IDisposable
{
    private readonly string _directory;

    private LoopFileSystem(string directory) => _directory = directory;

    /// <summary>Where it is mounted.</summary>
    public string Mount => Path.Combine(_directory, "mnt");

    /// <summary>Makes and mounts one.</summary>
    /// <param name="type">As in <c>mkfs.TYPE</c>.</param>
    /// <param name="mebibytes">Its size.</param>
    /// <param name="options">Options of <c>mkfs</c>.</param>
    public static LoopFileSystem Create(string type, int mebibytes = 512, string options = "")
    {
        if (Environment.UserName != "root")
            Assert.Skip("mounting a file system needs root");
        if (Run($"command -v mkfs.{type} mount losetup").Code != 0)
            Assert.Skip($"mkfs.{type} is not installed (apt: {(type == "ext4" ? "e2fsprogs" : type == "xfs" ? "xfsprogs" : "btrfs-progs")})");
        var loop = new LoopFileSystem(Directory.CreateTempSubdirectory("loop-tests-").FullName);
        Directory.CreateDirectory(loop.Mount);
        var (code, output) = Run($"cd '{loop._directory}' && truncate -s {mebibytes}M image && mkfs.{type} -q {options} image && mount -o loop image mnt");
        if (code == 0)
            return loop;
        loop.Dispose();
        Assert.Skip($"no {type} can be mounted here: {output.Trim()}");
        throw new InvalidOperationException();
    }

    /// <summary>A path on it.</summary>
    public string In(params string[] names) => Path.Combine([Mount, .. names]);

    /// <inheritdoc />
    public void Dispose() => Run($"umount '{Mount}' 2>/dev/null || umount -l '{Mount}' 2>/dev/null; rm -rf '{_directory}'");

    private static (int Code, string Output) Run(string script)
    {
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", script + " 2>&1"]) { RedirectStandardOutput = true, Environment = { ["LC_ALL"] = "C" } })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
