using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>
/// Knows no ranges, but reads each file of more than one read from a reflink of it, so that what an app writes meanwhile does not tear it. The
/// reflinks have no name: the kernel frees them when they are closed, also those of a process that is killed.
/// </summary>
internal sealed class StableCopies(OpenDirectory root) : IChangedRanges
{
    /// <summary>What one read gets is not torn on these file systems.</summary>
    private const long MinSize = 256 << 10;

    private volatile bool _serving = true;

    public string Driver => "scan";

    public bool MustRead(string path) => false;

    public void Keep(string path)
    {
    }

    public RangedFile Open(string path, OpenFile file, FileVersion? before) => new(file, _serving && file.Facts().Size > MinSize ? Copy(file) : null, null, audit: false);

    public void Finish(string path, RangedFile file, FileVersion version)
    {
    }

    public void Commit()
    {
    }

    public void Dispose()
    {
    }

    private OpenFile? Copy(OpenFile file)
    {
        OpenFile? copy = null;
        try
        {
            copy = root.OpenAt(".", Posix.ReadWrite | Posix.NoName | Posix.DirectoryOnly, 0x180);
            Ioctl.CopyCloneFlags(file, copy);
            var error = Ioctl.Clone(file, copy);
            if (error == 0)
                return copy;
            _serving &= error is not (Posix.Unsupported or Posix.ReadOnlyFileSystem);
        }
        catch (SystemCallException)
        {
            _serving = false;
        }

        copy?.Dispose();
        return null;
    }
}
