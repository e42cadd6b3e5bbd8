using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Consistency;

/// <summary>A file beside the round journal that says, from before something is made until after it is gone, that it may be there.</summary>
internal static class DurableNote
{
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        using (var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        using var directory = OpenDirectory.Open(Path.GetDirectoryName(path)!);
        directory.Handle.Sync();
    }
}
