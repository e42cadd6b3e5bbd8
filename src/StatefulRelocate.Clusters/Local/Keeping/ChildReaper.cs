using System.Runtime.InteropServices;
using StatefulRelocate.Clusters.Local.Native;

namespace StatefulRelocate.Clusters.Local.Keeping;

/// <summary>
/// Reaps every child, adopted ones too, at the moment it ends. Only ends are waited for: a stopped child is a child. That no child is
/// left at all proves that no descendant is left: a descendant hangs below a child, or was adopted as one.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "Lives as long as its process.")]
internal sealed unsafe partial class ChildReaper
{
    private const int Exited = 4;
    private const int LeaveForReaping = 0x01000000;

    private readonly Lock _lock = new();
    private readonly Dictionary<int, TaskCompletionSource<int>> _known = [];
    private readonly SemaphoreSlim _spawned = new(0);
    private TaskCompletionSource _pulse = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ChildReaper()
    {
        var thread = new Thread(Loop, maxStackSize: 256 * 1024) { IsBackground = true, Name = "reaper" };
        thread.Start();
    }

    /// <summary>Starts a child. The task ends with its wait status when it does.</summary>
    public (int Process, Task<int> Ended) Spawn(SpawnRequest request)
    {
        var ended = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        int process;
        lock (_lock)
        {
            process = Spawner.Spawn(request);
            _known[process] = ended;
        }

        _spawned.Release();
        return (process, ended.Task);
    }

    /// <summary>Reaps what ended, and says whether any child is left.</summary>
    public bool ReapAndAskWhetherAnyIsLeft()
    {
        lock (_lock)
        {
            var reaped = false;
            var left = false;
            while (true)
            {
                int status;
                var process = Libc.waitpid(-1, &status, Libc.WaitNoHang);
                if (process > 0)
                {
                    reaped = true;
                    if (_known.Remove(process, out var ended))
                        ended.SetResult(status);
                }
                else if (process == 0 || Marshal.GetLastPInvokeError() != Libc.Eintr)
                {
                    left = process == 0;
                    break;
                }
            }

            if (reaped)
            {
                var pulse = _pulse;
                _pulse = new(TaskCreationOptions.RunContinuationsAsynchronously);
                pulse.SetResult();
            }

            return left;
        }
    }

    /// <summary>Ends when the next child was reaped. Take it before looking, then await it.</summary>
    public Task NextEnd
    {
        get
        {
            lock (_lock)
                return _pulse.Task;
        }
    }

    private void Loop()
    {
        var information = stackalloc byte[256];
        while (true)
        {
            // Woken without reaping, so that numbers are freed only under the lock.
            var failed = waitid(0, 0, information, Exited | LeaveForReaping) != 0;
            if (!failed)
                ReapAndAskWhetherAnyIsLeft();
            else if (Marshal.GetLastPInvokeError() == Libc.Echild)
                _spawned.Wait();
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitid(int idType, uint id, byte* information, int options);
}
