using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Running;

/// <summary>A file system with reflinks in a sparse file, mounted; unmounted and removed at the end.</summary>
internal sealed class LoopVolume : IDisposable
{
    private readonly string _image;
    private readonly string _device;

    private LoopVolume(string image, string device, string mount, string kind) => (_image, _device, Mount, Kind) = (image, device, mount, kind);

    public string Mount { get; }

    /// <summary>xfs or btrfs.</summary>
    public string Kind { get; }

    /// <summary>Null, with the reason, where this cannot be done.</summary>
    public static LoopVolume? TryMake(string directory, long bytes, out string reason)
    {
        Directory.CreateDirectory(directory);
        var (image, mount) = (Path.Combine(directory, "volume.img"), Path.Combine(directory, "mnt"));
        using (var file = File.Create(image))
            file.SetLength(bytes);
        Directory.CreateDirectory(mount);
        reason = "neither mkfs.xfs nor mkfs.btrfs is on PATH (packages xfsprogs, btrfs-progs)";
        foreach (var (kind, program, arguments) in new[] { ("xfs", "mkfs.xfs", (string[])["-q", "-f", "-m", "reflink=1"]), ("btrfs", "mkfs.btrfs", ["-q", "-f"]) })
        {
            if (Programs.Find(program) is not { } make)
                continue;
            try
            {
                MeasuredProcess.Run(new Invocation(make, [.. arguments, image]));
                return new LoopVolume(image, Attach(image, mount), mount, kind);
            }
            catch (BenchmarkException error)
            {
                reason = error.Message;
            }
        }

        File.Delete(image);
        return null;
    }

    public void Dispose()
    {
        MeasuredProcess.Run(new Invocation("umount", [Mount]));
        MeasuredProcess.Run(new Invocation("losetup", ["--detach", _device]));
        File.Delete(_image);
    }

    // With direct I/O the pages of the volume are cached once, and not again as pages of the image.
    private static string Attach(string image, string mount)
    {
        var device = MeasuredProcess.Run(new Invocation("losetup", ["--find", "--show", "--direct-io=on", image])).Output.Trim();
        try
        {
            MeasuredProcess.Run(new Invocation("mount", [device, mount]));
            return device;
        }
        catch (BenchmarkException)
        {
            MeasuredProcess.Run(new Invocation("losetup", ["--detach", device]));
            throw;
        }
    }
}
