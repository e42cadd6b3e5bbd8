using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace StatefulRelocate.Activities.Durability;

/// <summary>Makes a rename durable: fsync of the directory (fsync(2)), which no class of .NET offers.</summary>
internal static partial class DirectorySync
{
    private const int OpenCloseOnExec = 0x80000;

    public static void Flush(string directory)
    {
        using var handle = Open(directory, OpenCloseOnExec, 0);
        if (handle.IsInvalid || Sync(handle) != 0)
            throw new IOException($"{directory}: cannot be made durable: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(SafeFileHandle handle);
}
