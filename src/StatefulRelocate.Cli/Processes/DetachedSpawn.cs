using System.Collections;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace StatefulRelocate.Cli.Processes;

/// <summary>
/// <c>posix_spawn</c> with a new session. The runtime's own process class cannot start a session, and hands pipes or the terminal to the
/// child; a child that detaches itself would still hold what it inherited until then.
/// </summary>
internal static unsafe partial class DetachedSpawn
{
    // glibc's sizes on x86-64 and arm64 are 336 and 80; both structures are opaque.
    private const int OpaqueSize = 512;
    private const int SignalSetSize = 128;
    private const short SetSignalDefaults = 0x04;
    private const short SetSignalMask = 0x08;
    private const short SetSession = 0x80;
    private const int OpenReadOnly = 0;
    private const int OpenAppend = 0x1 | 0x40 | 0x400; // O_WRONLY | O_CREAT | O_APPEND
    private const uint OwnerOnly = 0x180; // 0600

    /// <summary>Starts the command and returns its process id.</summary>
    /// <exception cref="Win32Exception">It could not be started.</exception>
    public static int Run(IReadOnlyList<string> command, string logFile, IReadOnlyDictionary<string, string> variables)
    {
        using var arguments = new NativeStrings(command);
        using var environment = new NativeStrings(Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Where(entry => !variables.ContainsKey((string)entry.Key)).Select(entry => $"{entry.Key}={entry.Value}")
            .Concat(variables.Select(variable => $"{variable.Key}={variable.Value}")));
        var attributes = stackalloc byte[OpaqueSize];
        var actions = stackalloc byte[OpaqueSize];
        Check(InitAttributes(attributes));
        Check(InitActions(actions));
        try
        {
            // The runtime ignores SIGPIPE and blocks signals at times; a new program expects the defaults.
            var none = stackalloc byte[SignalSetSize];
            var all = stackalloc byte[SignalSetSize];
            new Span<byte>(none, SignalSetSize).Clear();
            new Span<byte>(all, SignalSetSize).Fill(0xff);
            Check(SetMask(attributes, none));
            Check(SetDefaults(attributes, all));
            Check(SetFlags(attributes, SetSession | SetSignalMask | SetSignalDefaults));
            Check(AddOpen(actions, 0, "/dev/null", OpenReadOnly, 0));
            Check(AddOpen(actions, 1, logFile, OpenAppend, OwnerOnly));
            Check(AddDuplicate(actions, 1, 2));
            Check(AddCloseFrom(actions, 3));
            Check(Spawn(out var pid, command[0], actions, attributes, arguments.Pointer, environment.Pointer));
            return pid;
        }
        finally
        {
            _ = DestroyActions(actions);
            _ = DestroyAttributes(attributes);
        }
    }

    private static void Check(int error)
    {
        if (error != 0)
            throw new Win32Exception(error);
    }

    [LibraryImport("libc", EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Spawn(out int pid, string path, byte* actions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_init")]
    private static partial int InitAttributes(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_destroy")]
    private static partial int DestroyAttributes(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setflags")]
    private static partial int SetFlags(byte* attributes, short flags);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigmask")]
    private static partial int SetMask(byte* attributes, byte* signals);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigdefault")]
    private static partial int SetDefaults(byte* attributes, byte* signals);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    private static partial int InitActions(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_destroy")]
    private static partial int DestroyActions(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddOpen(byte* actions, int descriptor, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_adddup2")]
    private static partial int AddDuplicate(byte* actions, int descriptor, int copy);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addclosefrom_np")]
    private static partial int AddCloseFrom(byte* actions, int first);

    private sealed class NativeStrings : IDisposable
    {
        private readonly nint[] strings;
        private readonly byte** pointer;

        public NativeStrings(IEnumerable<string> values)
        {
            strings = [.. values.Select(Marshal.StringToCoTaskMemUTF8)];
            pointer = (byte**)NativeMemory.Alloc((nuint)(strings.Length + 1), (nuint)sizeof(byte*));
            for (var i = 0; i < strings.Length; i++)
                pointer[i] = (byte*)strings[i];
            pointer[strings.Length] = null;
        }

        public byte** Pointer => pointer;

        public void Dispose()
        {
            NativeMemory.Free(pointer);
            foreach (var value in strings)
                Marshal.FreeCoTaskMem(value);
        }
    }
}
