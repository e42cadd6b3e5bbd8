using System.Text;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>The durable word that a driver's list missed a change in this volume once: it is not asked again until an operator removes the mark.</summary>
internal static class RetiredMark
{
    public static bool Stands(string path) => File.Exists(path);

    public static void Set(string path, string why)
    {
        using (var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            file.Write(Encoding.UTF8.GetBytes(why + "\n"));
            file.Flush(flushToDisk: true);
        }

        using var directory = OpenDirectory.Open(Path.GetDirectoryName(path)!);
        directory.Handle.Sync();
    }
}
