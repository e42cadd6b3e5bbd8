using System.ComponentModel;
using System.Runtime.InteropServices;

namespace StatefulRelocate.Clusters.Local.Native;

/// <summary>What is started, and how.</summary>
internal sealed record SpawnRequest
{
    public required string Program { get; init; }

    /// <summary>All arguments, the program's name first.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    public string? WorkingDirectory { get; init; }

    /// <summary>Descriptors of this process that become 0, 1, 2, 3 … of the new one.</summary>
    public required IReadOnlyList<int> Descriptors { get; init; }
}

/// <summary>
/// Starts processes by <c>posix_spawn</c>. Not <c>System.Diagnostics.Process</c>: that reaps children itself, and the keeper
/// has to reap every child, adopted ones too. Each process gets a session of its own: a frozen one is then in an orphaned process group from
/// the start, and the kernel does not send SIGHUP and SIGCONT to it when its keeper is killed.
/// </summary>
internal static unsafe partial class Spawner
{
    private const short SetSignalMask = 0x08;
    private const short SetSignalDefault = 0x04;
    private const short SetSession = 0x80;

    /// <summary>Larger than posix_spawnattr_t and posix_spawn_file_actions_t of glibc and musl.</summary>
    private const int OpaqueSize = 1024;

    /// <summary>Starts a process and returns its id.</summary>
    public static int Spawn(SpawnRequest request)
    {
        var strings = new List<nint>();
        var opaque = NativeMemory.AllocZeroed(4 * OpaqueSize);
        try
        {
            byte* actions = (byte*)opaque;
            var attributes = actions + OpaqueSize;
            var signals = attributes + OpaqueSize;
            Check(posix_spawn_file_actions_init(actions), request);
            Check(posix_spawnattr_init(attributes), request);

            // The runtime ignores SIGPIPE and blocks some signals; the app must not inherit that.
            Check(posix_spawnattr_setsigmask(attributes, signals), request);
            _ = sigfillset(signals);
            Check(posix_spawnattr_setsigdefault(attributes, signals), request);
            Check(posix_spawnattr_setflags(attributes, SetSignalMask | SetSignalDefault | SetSession), request);
            for (var i = 0; i < request.Descriptors.Count; i++)
                Check(posix_spawn_file_actions_adddup2(actions, request.Descriptors[i], i), request);
            if (request.WorkingDirectory is { } directory)
                Check(posix_spawn_file_actions_addchdir_np(actions, directory), request);

            var arguments = Strings(request.Arguments, strings);
            var environment = Strings(request.Environment.Select(pair => $"{pair.Key}={pair.Value}").ToList(), strings);
            int process;
            var error = posix_spawn(&process, request.Program, actions, attributes, arguments, environment);
            _ = posix_spawn_file_actions_destroy(actions);
            _ = posix_spawnattr_destroy(attributes);
            Check(error, request);
            return process;
        }
        finally
        {
            NativeMemory.Free(opaque);
            foreach (var text in strings)
                Marshal.FreeCoTaskMem(text);
        }
    }

    private static void Check(int error, SpawnRequest request)
    {
        if (error != 0)
            throw new IOException($"cannot start {request.Program} in {request.WorkingDirectory ?? "."}: {new Win32Exception(error).Message}");
    }

    private static byte** Strings(IReadOnlyList<string> values, List<nint> owned)
    {
        var block = Marshal.AllocCoTaskMem((values.Count + 1) * sizeof(byte*));
        owned.Add(block);
        var array = (byte**)block;
        for (var i = 0; i < values.Count; i++)
        {
            var text = Marshal.StringToCoTaskMemUTF8(values[i]);
            owned.Add(text);
            array[i] = (byte*)text;
        }

        array[values.Count] = null;
        return array;
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn(int* process, string path, byte* actions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_init(byte* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_destroy(byte* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_adddup2(byte* actions, int from, int to);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn_file_actions_addchdir_np(byte* actions, string path);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_init(byte* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_destroy(byte* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setflags(byte* attributes, short flags);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigmask(byte* attributes, byte* signals);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigdefault(byte* attributes, byte* signals);

    [LibraryImport("libc")]
    private static partial int sigfillset(byte* signals);
}
