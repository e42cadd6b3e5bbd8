using System.Runtime.InteropServices;

namespace StatefulRelocate.Cli.Demo;

/// <summary>kill(2).</summary>
internal static partial class Signals
{
    public const int Terminate = 15;
    public const int Kill = 9;

    /// <summary>Sends it; a process that is gone is none of our business.</summary>
    public static void Send(int processId, int signal) => _ = SendCore(processId, signal);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendCore(int processId, int signal);
}
