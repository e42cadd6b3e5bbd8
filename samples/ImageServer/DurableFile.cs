using System.ComponentModel;
using System.Runtime.InteropServices;

namespace ImageServer;

/// <summary>Writes that survive a power cut: the file, and the directory that names it.</summary>
internal static partial class DurableFile
{
    private const int DirectoryFlag = 0x10000; // O_DIRECTORY

    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        using (var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0))
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }

        FlushDirectory(Path.GetDirectoryName(path)!);
    }

    public static void FlushDirectory(string path)
    {
        var descriptor = Open(path, DirectoryFlag);
        if (descriptor < 0)
            throw new IOException($"{path}: {Marshal.GetLastPInvokeErrorMessage()}");
        var failed = FSync(descriptor) != 0;
        var error = Marshal.GetLastPInvokeError();
        _ = Close(descriptor);
        if (failed)
            throw new IOException($"{path}: cannot be flushed", new Win32Exception(error));
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
