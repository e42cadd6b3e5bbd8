using System.Collections.Immutable;
using StatefulRelocate.Clusters.Local.Freezing;
using StatefulRelocate.Clusters.Local.Processes;

namespace StatefulRelocate.Clusters.Local.Proofs;

/// <summary>Looks at every process there is. It asks no keeper: what it says holds whoever lives.</summary>
internal static class SilenceProver
{
    public static SilenceProof Prove(AppLayout layout, KeeperRecord? keeper, AppCgroup? cgroup)
    {
        var table = ProcessTable.Read();
        var reasons = ImmutableArray.CreateBuilder<string>();
        var suspended = ImmutableArray.CreateBuilder<int>();
        var frozen = Suspender.FrozenMembers(cgroup);
        var members = Members(layout, table, keeper, cgroup);
        foreach (var process in members.Where(process => !process.IsGone).OrderBy(process => process.Id.Number))
        {
            if (Suspender.IsSuspended(process.Id.Number, frozen))
            {
                if (ProcessTable.IsAlive(process.Id))
                    suspended.Add(process.Id.Number);
            }
            else if (ProcessTable.IsAlive(process.Id))
            {
                reasons.Add($"process {process.Id.Number} ({process.Name}) of the app runs");
            }
        }

        reasons.AddRange(VolumeWriters.Find([layout.Volumes], table, members.Select(process => process.Id.Number).ToHashSet()));
        return new SilenceProof { Silent = reasons.Count == 0, Suspended = suspended.ToImmutable(), Reasons = reasons.ToImmutable() };
    }

    /// <summary>Files below the volumes that the app maps shared and writable.</summary>
    public static ImmutableArray<string> Mappings(AppLayout layout, KeeperRecord? keeper, AppCgroup? cgroup)
    {
        var prefixes = VolumeWriters.Prefixes([layout.Volumes]);
        var buffer = new byte[1 << 20];
        return
        [
            .. Members(layout, ProcessTable.Read(), keeper, cgroup)
                .SelectMany(process => VolumeWriters.Mapped(process.Id.Number, prefixes, buffer))
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>The app's processes: below the keeper, recorded, marked, in its cgroup; never the keeper itself.</summary>
    public static IReadOnlyList<ProcessEntry> Members(AppLayout layout, ProcessTable table, KeeperRecord? keeper, AppCgroup? cgroup)
    {
        var found = Survivors.Find(layout, table, cgroup).ToDictionary(process => process.Id.Number);
        if (keeper is not null)
        {
            foreach (var process in table.DescendantsOf(new HashSet<int> { keeper.Pid }))
                found[process.Id.Number] = process;
            found.Remove(keeper.Pid);
        }

        return [.. found.Values];
    }
}
