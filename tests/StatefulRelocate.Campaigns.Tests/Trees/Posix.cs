using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace StatefulRelocate.Campaigns.Tests.Trees;

/// <summary>System calls with names as bytes, which .NET's own cannot have. Text is Latin-1: one character a byte.</summary>
internal static partial class Posix
{
    public const int ReadOnly = 0, WriteOnly = 1, ReadWrite = 2, Create = 0x40, Exclusive = 0x80, Truncate = 0x200, DirectoryOnly = 0x10000, NoFollow = 0x20000, CloseOnExec = 0x80000, PathOnly = 0x200000;
    public const int AtCurrent = -100, AtNoFollow = 0x100, SeekData = 3, SeekHole = 4, PunchHole = 3;

    public static byte[] Bytes(string latin) => [.. Encoding.Latin1.GetBytes(latin), 0];

    /// <summary>A .NET path as Latin-1 text of its bytes.</summary>
    public static string Latin(string path) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(path));

    public static void Must(long result, string what)
    {
        if (result < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"{what}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    public static void MakeDirectory(string path) => Must(MkDir(Bytes(path), 0x1ED), path);

    public static void MakeFifo(string path) => Must(MkNod(Bytes(path), 0x1000 | 0x1A4, 0), path);

    public static void MakeSocket(string path) => Must(MkNod(Bytes(path), 0xC000 | 0x1A4, 0), path);

    public static void MakeSymbolicLink(string text, string path) => Must(SymLink(Bytes(text), Bytes(path)), path);

    public static void MakeHardLink(string existing, string path) => Must(Link(Bytes(existing), Bytes(path)), path);

    public static void Move(string from, string to) => Must(Rename(Bytes(from), Bytes(to)), from);

    public static void Delete(string path) => Must(Unlink(Bytes(path)), path);

    public static void SetMode(string path, uint mode) => Must(ChMod(Bytes(path), mode), path);

    public static void SetOwner(string path, int user, int group) => Must(LChOwn(Bytes(path), user, group), path);

    public static void SetModified(string path, long seconds, long nanoseconds) => Must(UTimeNsAt(AtCurrent, Bytes(path), [0, 0x3FFFFFFE, seconds, nanoseconds], AtNoFollow), path);

    public static void SetAttribute(string path, string name, byte[] value) => Must(LSetXAttr(Bytes(path), Bytes(name), value, (nuint)value.Length, 0), $"{path} {name}");

    public static void RemoveAttribute(string path, string name) => Must(LRemoveXAttr(Bytes(path), Bytes(name)), $"{path} {name}");

    /// <summary>Opens a file and lets something be done with its descriptor.</summary>
    public static void With(string path, int flags, Action<int> act)
    {
        var descriptor = OpenAt(AtCurrent, Bytes(path), flags | CloseOnExec, 0x1A4);
        Must(descriptor, path);
        try
        {
            act(descriptor);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    public static void WriteAll(int descriptor, ReadOnlySpan<byte> content, long offset)
    {
        while (content.Length > 0)
        {
            var written = PWrite(descriptor, content, (nuint)content.Length, offset);
            Must(written, "pwrite");
            content = content[(int)written..];
            offset += written;
        }
    }

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    public static partial int OpenAt(int directory, byte[] path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint PRead(int descriptor, Span<byte> buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint PWrite(int descriptor, ReadOnlySpan<byte> buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(int descriptor, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int SetLength(int descriptor, long length);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(int descriptor, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "listxattr", SetLastError = true)]
    public static partial nint ListXAttr(byte[] path, byte[] list, nuint size);

    [LibraryImport("libc", EntryPoint = "getxattr", SetLastError = true)]
    public static partial nint GetXAttr(byte[] path, byte[] name, byte[] value, nuint size);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true)]
    public static partial int MkDirAt(int directory, byte[] path, uint mode);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true)]
    private static partial int MkDir(byte[] path, uint mode);

    [LibraryImport("libc", EntryPoint = "mknod", SetLastError = true)]
    private static partial int MkNod(byte[] path, uint mode, ulong device);

    [LibraryImport("libc", EntryPoint = "symlink", SetLastError = true)]
    private static partial int SymLink(byte[] text, byte[] path);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true)]
    private static partial int Link(byte[] existing, byte[] path);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true)]
    private static partial int Rename(byte[] from, byte[] to);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true)]
    private static partial int Unlink(byte[] path);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true)]
    private static partial int ChMod(byte[] path, uint mode);

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true)]
    private static partial int LChOwn(byte[] path, int user, int group);

    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true)]
    private static partial int UTimeNsAt(int directory, byte[] path, long[] times, int flags);

    [LibraryImport("libc", EntryPoint = "lsetxattr", SetLastError = true)]
    private static partial int LSetXAttr(byte[] path, byte[] name, byte[] value, nuint size, int flags);

    [LibraryImport("libc", EntryPoint = "lremovexattr", SetLastError = true)]
    private static partial int LRemoveXAttr(byte[] path, byte[] name);
}
