using System.Diagnostics;
using StatefulRelocate.Clusters.Local.Native;
using StatefulRelocate.Clusters.Local.Processes;

namespace StatefulRelocate.Clusters.Local.Freezing;

/// <summary>Suspends all processes of an app, and proves it; wakes them again.</summary>
internal sealed class Suspender(AppCgroup? cgroup, Func<ProcessTable, IEnumerable<ProcessEntry>> members)
{
    private readonly List<ProcessId> _stopped = [];
    private bool _bySignals;
    private TimeSpan _childGrace;

    /// <summary>
    /// Goes on until two whole passes over <c>/proc</c>, one after the other, find every thread of every process suspended. One is not enough: a child born during
    /// it, under a number the pass has left behind, is seen by the second, and no parent can bear one after the first.
    /// </summary>
    public void Freeze(TimeSpan limit)
    {
        var watch = Stopwatch.StartNew();
        _bySignals = false;
        _childGrace = TimeSpan.FromMilliseconds(1);
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

            if (cgroup is null || _bySignals)
                LetVforkChildrenGo(process.Id.Number);
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

    /// <summary>
    /// vfork(2) holds its caller, in state D and deaf to SIGSTOP, until the child has called execve; a child that was stopped before would hold it for ever. The child
    /// goes on for a moment, longer each time, and the next pass stops it again.
    /// </summary>
    private void LetVforkChildrenGo(int parent)
    {
        if (!ProcessTable.ThreadStates(parent).Contains('D'))
            return;
        var woken = false;
        foreach (var child in members(ProcessTable.Read()).Where(p => p.Parent == parent && p.State == 'T'))
            woken |= ProcessTable.Signal(child.Id, Libc.Sigcont);
        if (!woken)
            return;
        Thread.Sleep(_childGrace);
        _childGrace = TimeSpan.FromMilliseconds(Math.Min(_childGrace.TotalMilliseconds * 2, 50));
    }

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
