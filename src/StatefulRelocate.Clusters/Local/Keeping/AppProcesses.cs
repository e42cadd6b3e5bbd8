using System.Text;
using StatefulRelocate.Clusters.Local.Freezing;
using StatefulRelocate.Clusters.Local.Native;
using StatefulRelocate.Clusters.Local.Processes;
using StatefulRelocate.Clusters.Local.Proofs;

namespace StatefulRelocate.Clusters.Local.Keeping;

/// <summary>All processes of the app as its keeper sees them, and their end.</summary>
internal sealed class AppProcesses
{
    private static readonly TimeSpan KillLimit = TimeSpan.FromSeconds(10);

    private readonly AppLayout _layout;
    private readonly ChildReaper _reaper;
    private readonly TimeProvider _time;
    private readonly HashSet<int> _self = [Environment.ProcessId];
    private readonly bool _afterAKill;

    public AppProcesses(AppLayout layout, AppCgroup? cgroup, ChildReaper reaper, TimeProvider time, bool afterAKill)
    {
        (_layout, Cgroup, _reaper, _time, _afterAKill) = (layout, cgroup, reaper, time, afterAKill);
        HasSurvivors = afterAKill && Survivors.Find(layout, ProcessTable.Read(), cgroup).Any(process => process.Id.Number != Environment.ProcessId);
    }

    public AppCgroup? Cgroup { get; }

    /// <summary>Whether processes of a keeper that was killed are still there. They are not our descendants, so they cost a closer look.</summary>
    public bool HasSurvivors { get; private set; }

    public IEnumerable<ProcessEntry> Members(ProcessTable table)
    {
        var own = table.DescendantsOf(_self);
        return HasSurvivors
            ? own.Concat(Survivors.Find(_layout, table, Cgroup)).Where(process => process.Id.Number != Environment.ProcessId).DistinctBy(process => process.Id)
            : own;
    }

    public bool AreSurvivorsSuspended()
    {
        var frozen = Suspender.FrozenMembers(Cgroup);
        return Members(ProcessTable.Read()).All(process => process.IsGone || Suspender.IsSuspended(process.Id.Number, frozen));
    }

    /// <summary>The processes of one declared process, by the mark in their environment.</summary>
    public IReadOnlyList<ProcessEntry> Of(string role)
    {
        var mark = Encoding.UTF8.GetBytes("RELOCATE_PROCESS=" + role);
        var buffer = new byte[128 * 1024];
        return [.. Members(ProcessTable.Read()).Where(process => !process.IsGone && ProcessTable.HasVariable(process.Id.Number, mark, buffer))];
    }

    /// <summary>After a keeper was killed its processes may have lost their marks: whoever still writes to a volume could be one of them.</summary>
    public string? WhoElseWrites()
    {
        if (!_afterAKill || _reaper.ReapAndAskWhetherAnyIsLeft())
            return null;
        return VolumeWriters.Find([_layout.Volumes], ProcessTable.Read(), new HashSet<int>()) is [var first, ..] ? first : null;
    }

    /// <summary>Kills one declared process with what it left, until nothing of it is there.</summary>
    public async Task KillAsync(string role, ProcessId? except)
    {
        if (!_reaper.ReapAndAskWhetherAnyIsLeft())
            return;
        var start = _time.GetTimestamp();
        while (true)
        {
            var next = _reaper.NextEnd;
            var left = Of(role).ToList();
            if (except is { } main)
            {
                var below = ProcessTable.Read().DescendantsOf(new HashSet<int> { main.Number });
                left.AddRange(ProcessTable.IsAlive(main) ? below.Where(entry => !entry.IsGone).Append(ProcessTable.Find(main.Number)!.Value) : []);
            }

            if (left.Count == 0)
                return;
            foreach (var process in left)
                ProcessTable.Signal(process.Id, Libc.Sigkill);
            if (_time.GetElapsedTime(start) > KillLimit)
                throw new ClusterException("kill-failed", $"process {left[0].Id.Number} ({left[0].Name}) does not end after SIGKILL; it is in state {left[0].State}");
            await Task.WhenAny(next, Task.Delay(TimeSpan.FromMilliseconds(2), _time)).ConfigureAwait(false);
        }
    }

    /// <summary>Kills until no descendant is left.</summary>
    public async Task KillAllAsync()
    {
        var start = _time.GetTimestamp();
        for (var pass = 0; ; pass++)
        {
            var next = _reaper.NextEnd;
            var anyChild = _reaper.ReapAndAskWhetherAnyIsLeft();
            if (!anyChild && !HasSurvivors)
                return;

            // Who bears children faster than a pass takes is held still first. A frozen cgroup of version 1 keeps even SIGKILL until it is thawed.
            if (pass > 2)
                Cgroup?.Freeze();
            var left = Members(ProcessTable.Read()).Where(process => !process.IsGone).ToList();
            foreach (var process in left)
                ProcessTable.Signal(process.Id, Libc.Sigkill);
            Cgroup?.Thaw();
            if (left.Count == 0)
            {
                HasSurvivors = false;
                if (!anyChild)
                    return;
            }

            if (_time.GetElapsedTime(start) > KillLimit)
                throw new ClusterException("kill-failed", $"{left.Count} processes do not end after SIGKILL, the first is {(left.Count > 0 ? $"{left[0].Id.Number} ({left[0].Name}) in state {left[0].State}" : "a zombie")}");
            await Task.WhenAny(next, Task.Delay(TimeSpan.FromMilliseconds(2), _time)).ConfigureAwait(false);
        }
    }
}
