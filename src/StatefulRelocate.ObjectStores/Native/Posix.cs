using System.Runtime.InteropServices;

namespace StatefulRelocate.ObjectStores.Native;

/// <summary>The calls that make a new name durable and exclusive.</summary>
internal static partial class Posix
{
    public const int FileExists = 17;

    /// <summary>Gives a file another name, unless that name is taken: the only exclusive create that also carries content.</summary>
    /// <returns>False when the name is taken.</returns>
    public static bool TryLink(string from, string to)
    {
        if (Link(from, to) == 0)
            return true;
        var error = Marshal.GetLastPInvokeError();
        return error == FileExists ? false : throw new IOException($"{to}: cannot link: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary>Makes the names in a directory durable.</summary>
    public static void SyncDirectory(string path)
    {
        const int readOnlyAndCloseOnExec = 0x80000;
        var descriptor = Open(path, readOnlyAndCloseOnExec, 0);
        if (descriptor < 0)
            throw new IOException($"{path}: cannot open: {Marshal.GetLastPInvokeErrorMessage()}");
        try
        {
            if (Sync(descriptor) != 0)
                throw new IOException($"{path}: cannot fsync: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string from, string to);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
