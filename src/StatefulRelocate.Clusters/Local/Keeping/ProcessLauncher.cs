using System.ComponentModel;
using System.Runtime.InteropServices;
using StatefulRelocate.Clusters.Local.Freezing;
using StatefulRelocate.Clusters.Local.Native;
using StatefulRelocate.Clusters.Local.Processes;

namespace StatefulRelocate.Clusters.Local.Keeping;

/// <summary>A process that is held before its first instruction: it has a number, and is in the app's cgroup, but runs only when released.</summary>
internal sealed class HeldProcess(ProcessId id, Task<int> ended, int gate)
{
    public ProcessId Id => id;

    /// <summary>Ends with the wait status.</summary>
    public Task<int> Ended => ended;

    /// <summary>Lets it run.</summary>
    public unsafe void Release()
    {
        var word = "go\n"u8;
        fixed (byte* start = word)
            _ = Libc.write(gate, start, word.Length);
        _ = Libc.close(gate);
    }

    /// <summary>Ends it without having run anything.</summary>
    public void Abandon() => _ = Libc.close(gate);
}

/// <summary>Starts processes of the app.</summary>
internal sealed class ProcessLauncher(ChildReaper reaper, AppCgroup? cgroup)
{
    // The gate is standard input: nothing is executed before the word came, and an end of file (the keeper was killed) ends the shell.
    private const string Gate = "IFS= read -r word && [ \"$word\" = go ] || exit 125\nexec \"$@\" </dev/null";

    /// <summary>Makes a process and holds it.</summary>
    public unsafe HeldProcess Hold(IReadOnlyList<string> command, IReadOnlyDictionary<string, string> environment, string workingDirectory, Account? account, string log)
    {
        var ends = stackalloc int[2];
        if (Libc.pipe2(ends, Libc.OCloseOnExec) != 0)
            throw new IOException($"cannot make a pipe: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        var output = Libc.open(log, Libc.OWriteOnly | Libc.OCreate | Libc.OAppend | Libc.OCloseOnExec, 0x180);
        try
        {
            if (output < 0)
                throw new IOException($"{log}: cannot be opened: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
            List<string> arguments = ["sh", "-c", Gate, "sh"];
            if (account is not null)
            {
                // util-linux is essential on Debian. The shell reads the gate as root, so the user needs no access to it.
                arguments.AddRange(["setpriv", $"--reuid={account.UserId}", $"--regid={account.GroupId}", "--init-groups", "--"]);
            }

            arguments.AddRange(command);
            var (number, ended) = reaper.Spawn(new SpawnRequest
            {
                Program = "/bin/sh",
                Arguments = arguments,
                Environment = environment,
                WorkingDirectory = workingDirectory,
                Descriptors = [ends[0], output, output],
            });
            var id = ProcessTable.Find(number)?.Id ?? new ProcessId(number, 0);
            _ = cgroup?.TryAdd(number);
            return new HeldProcess(id, ended, ends[1]);
        }
        catch
        {
            _ = Libc.close(ends[1]);
            throw;
        }
        finally
        {
            _ = Libc.close(ends[0]);
            if (output >= 0)
                _ = Libc.close(output);
        }
    }

    /// <summary>The account of a user, or null when no other user is asked for.</summary>
    public static Account? AccountOf(string? user, string where)
    {
        if (user is null)
            return null;
        var account = Libc.FindAccount(user)
            ?? throw new ClusterException("user-missing", $"{where}: user {user} does not exist on this machine", retryable: false);
        if (account.UserId == Libc.geteuid())
            return null;
        return Libc.geteuid() == 0
            ? account
            : throw new ClusterException("needs-root", $"{where}: to run as user {user} the cluster has to run as root; leave user out, or start the cluster as root", retryable: false);
    }
}
