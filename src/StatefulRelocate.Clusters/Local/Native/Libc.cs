using System.Runtime.InteropServices;

namespace StatefulRelocate.Clusters.Local.Native;

/// <summary>The few calls that .NET does not offer. Integers are those of 64-bit Linux.</summary>
internal static unsafe partial class Libc
{
    public const int Sigkill = 9;
    public const int Sigcont = 18;
    public const int Sigstop = 19;
    public const int Eintr = 4;
    public const int Echild = 10;
    public const int OReadOnly = 0;
    public const int OWriteOnly = 1;
    public const int OReadWrite = 2;
    public const int OCreate = 0x40;
    public const int OAppend = 0x400;
    public const int ODirectory = 0x10000;
    public const int OCloseOnExec = 0x80000;
    public const int OPath = 0x200000;
    public const int WaitNoHang = 1;

    private const long PidfdSendSignal = 424;
    private const long PidfdOpen = 434;
    private const int PrSetChildSubreaper = 36;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(int descriptor, byte* buffer, nint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(int descriptor, byte* buffer, nint count);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint readlink(string path, byte* buffer, nint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fsync(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int pipe2(int* descriptors, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int dup2(int from, int to);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int kill(int process, int signal);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int waitpid(int process, int* status, int options);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setsid();

    [LibraryImport("libc")]
    public static partial uint geteuid();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int chown(string path, uint user, uint group);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial Passwd* getpwnam(string name);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, long a, long b, long c, long d);

    /// <summary>Descendants whose parents end are given to this process instead of to init.</summary>
    public static bool BecomeSubreaper() => prctl(PrSetChildSubreaper, 1, 0, 0, 0) == 0;

    /// <summary>A descriptor that stays with one process, whatever becomes of its number, or -1.</summary>
    public static int OpenProcess(int process) => (int)syscall(PidfdOpen, process, 0, 0, 0);

    /// <summary>Signals the process of a descriptor.</summary>
    public static bool Signal(int processDescriptor, int signal) => syscall(PidfdSendSignal, processDescriptor, signal, 0, 0) == 0;

    /// <summary>An account by name, or null.</summary>
    public static Account? FindAccount(string name)
    {
        var found = getpwnam(name);
        return found == null ? null : new Account(name, found->UserId, found->GroupId, Marshal.PtrToStringUTF8((nint)found->Home) ?? "/");
    }

    /// <summary>The first bytes of a small file of <c>/proc</c>, or a negative number. Cheaper than a stream: these are read by the thousand.</summary>
    public static int ReadFile(string path, Span<byte> buffer)
    {
        var file = open(path, OReadOnly | OCloseOnExec, 0);
        if (file < 0)
            return -1;
        var total = 0;
        fixed (byte* start = buffer)
        {
            while (total < buffer.Length)
            {
                var count = (int)read(file, start + total, buffer.Length - total);
                if (count < 0)
                {
                    total = total == 0 ? -1 : total;
                    break;
                }

                if (count == 0)
                    break;
                total += count;
            }
        }

        _ = close(file);
        return total;
    }

    /// <summary>Where a symbolic link leads, or null.</summary>
    public static string? ReadLink(string path)
    {
        var buffer = new byte[4096];
        var count = ReadLink(path, buffer);
        return count < 0 ? null : System.Text.Encoding.UTF8.GetString(buffer, 0, count);
    }

    /// <summary>Where a symbolic link leads, in bytes; negative when it cannot be read.</summary>
    public static int ReadLink(string path, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
            return (int)readlink(path, start, buffer.Length);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Passwd
    {
        public byte* Name;
        public byte* Password;
        public uint UserId;
        public uint GroupId;
        public byte* Gecos;
        public byte* Home;
        public byte* Shell;
    }
}

/// <summary>A user of this machine.</summary>
internal sealed record Account(string Name, uint UserId, uint GroupId, string Home);
