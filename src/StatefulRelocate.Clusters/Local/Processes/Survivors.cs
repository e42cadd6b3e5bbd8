using System.Text;
using StatefulRelocate.Clusters.Local.Freezing;

namespace StatefulRelocate.Clusters.Local.Processes;

/// <summary>Finds an app's processes without their keeper: by what it recorded, by the mark in their environment, by their cgroup, and below all these.</summary>
internal static class Survivors
{
    public static IReadOnlyList<ProcessEntry> Find(AppLayout layout, ProcessTable table, AppCgroup? cgroup)
    {
        var found = new Dictionary<int, ProcessEntry>();
        var recorded = DurableFile.Read(layout.Processes, ClustersJson.Default.StartedProcesses);
        var ids = recorded is not null && recorded.BootId == ProcessTable.BootId
            ? recorded.Processes.Select(process => new ProcessId(process.Pid, process.StartTime)).ToHashSet()
            : [];
        var members = cgroup?.Members() ?? new HashSet<int>();
        var mark = Encoding.UTF8.GetBytes($"{AppLayout.MarkerName}={layout.Mark}");
        var buffer = new byte[128 * 1024];
        foreach (var entry in table.Entries)
        {
            if (ids.Contains(entry.Id) || members.Contains(entry.Id.Number) || ProcessTable.HasVariable(entry.Id.Number, mark, buffer))
                found[entry.Id.Number] = entry;
        }

        foreach (var entry in table.DescendantsOf(found.Keys.ToHashSet()).ToList())
            found[entry.Id.Number] = entry;
        return [.. found.Values];
    }
}
