using System.Diagnostics;
using StatefulRelocate.Clusters.Local.Native;
using StatefulRelocate.Clusters.Local.Processes;

namespace StatefulRelocate.Clusters.Local.Freezing;

/// <summary>Suspends all processes of an app, and proves it; wakes them again.</summary>
internal sealed class Suspender(AppCgroup? cgroup, Func<ProcessTable, IEnumerable<ProcessEntry>> members)
{
    private readonly List<ProcessId> _stopped = [];
    private bool _bySignals;

    /// <summary>
    /// Goes on until two whole passes over <c>/proc</c>, one after the other, find every thread of every process suspended. One is not enough: a child born during
    /// it, under a number the pass has left behind, is seen by the second, and no parent can bear one after the first.
    /// </summary>
    public void Freeze(TimeSpan limit)
    {
        var watch = Stopwatch.StartNew();
        _bySignals = false;
        cgroup?.Freeze();
        for (var clean = 0; clean < 2;)
        {
            var awake = Pass();
            clean = awake is null ? clean + 1 : 0;
            if (awake is not { } process)
                continue;
            if (watch.Elapsed > limit)
                throw new ClusterException("freeze-failed", $"process {process.Id.Number} ({process.Name}) could not be suspended within {limit.TotalSeconds:0.#} s; it is in state {process.State}");
            if (cgroup is not null && !_bySignals && watch.Elapsed > limit / 5)
            {
                // A cgroup of version 1 may stay in FREEZING while its processes fork; signals do without it.
                cgroup.Thaw();
                _bySignals = true;
            }

            Thread.Sleep(0);
        }
    }

    /// <summary>Wakes what was suspended: first what is known, then what a pass finds.</summary>
    public void Thaw()
    {
        cgroup?.Thaw();
        foreach (var process in _stopped)
            ProcessTable.Signal(process, Libc.Sigcont);
        _stopped.Clear();
        foreach (var process in members(ProcessTable.Read()))
        {
            if (process.State == 'T')
                ProcessTable.Signal(process.Id, Libc.Sigcont);
        }
    }

    /// <summary>Whether a process does nothing until it is woken.</summary>
    public static bool IsSuspended(int process, IReadOnlySet<int> frozen)
        => frozen.Contains(process) || ProcessTable.ThreadStates(process).All(state => state is 'T' or 'Z' or 'X' or 'x');

    /// <summary>The processes that a frozen cgroup holds.</summary>
    public static IReadOnlySet<int> FrozenMembers(AppCgroup? cgroup) => cgroup is { IsFrozen: true } ? cgroup.Members() : new HashSet<int>();

    private ProcessEntry? Pass()
    {
        ProcessEntry? awake = null;
        var frozen = FrozenMembers(cgroup);
        var inCgroup = cgroup is null || _bySignals ? new HashSet<int>() : cgroup.Members();
        foreach (var process in members(ProcessTable.Read()))
        {
            if (process.IsGone || IsSuspended(process.Id.Number, frozen))
                continue;
            awake = process;
            if (!inCgroup.Contains(process.Id.Number) && ProcessTable.Signal(process.Id, Libc.Sigstop) && !_stopped.Contains(process.Id))
                _stopped.Add(process.Id);
        }

        return awake;
    }
}
